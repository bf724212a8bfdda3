import { useSession } from '../session/context.js'
import type { ProvenanceLineFragment } from '../generated/operations.js'
import { plain, short, when } from '../ui/words.js'

/** Who did what to a record, when and why: newest first. */
export function ProvenanceList({ entries }: { entries: readonly ProvenanceLineFragment[] }) {
  const { viewer } = useSession()
  const newest = [...entries].sort((a, b) => b.recordedAt.localeCompare(a.recordedAt))
  return (
    <section aria-label="Provenance">
      <h3>Provenance</h3>
      <ol className="timeline">
        {newest.map((entry) => (
          <li key={entry.id}>
            <strong>{plain(entry.activity.display ?? entry.activity.code)}</strong>
            <span className="fine"> {when(entry.recordedAt)}</span>
            <p>
              {entry.agents.map(({ type, who }, i) => (
                <span key={i}>
                  {i > 0 && ', '}
                  {who.display ?? (who.reference.endsWith(viewer.id) ? viewer.display : short(who.reference))}
                  <span className="fine"> ({type.display ?? type.code})</span>
                </span>
              ))}
            </p>
            {entry.reason && <p>“{entry.reason}”</p>}
            {entry.sources.length > 0 && <p className="fine mono">from {entry.sources.map(({ reference }) => short(reference)).join(', ')}</p>}
          </li>
        ))}
      </ol>
    </section>
  )
}
