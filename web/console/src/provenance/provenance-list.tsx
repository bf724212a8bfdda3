import type { ProvenanceLineFragment } from '../generated/operations.js'
import { when } from '../ui/words.js'

/** Who did what to a record, when and why: newest first. */
export function ProvenanceList({ entries }: { entries: readonly ProvenanceLineFragment[] }) {
  const newest = [...entries].sort((a, b) => b.recordedAt.localeCompare(a.recordedAt))
  return (
    <section aria-label="Provenance">
      <h3>Provenance</h3>
      <ol className="timeline">
        {newest.map((entry) => (
          <li key={entry.id}>
            <strong>{entry.activity.display ?? entry.activity.code}</strong>
            <span className="fine"> {when(entry.recordedAt)}</span>
            <p>
              {entry.agents.map(({ type, who }, i) => (
                <span key={i}>
                  {i > 0 && ', '}
                  {who.display ?? who.reference}
                  <span className="fine"> ({type.display ?? type.code})</span>
                </span>
              ))}
            </p>
            {entry.reason && <p>“{entry.reason}”</p>}
            {entry.sources.length > 0 && <p className="fine mono">from {entry.sources.map(({ reference }) => reference).join(', ')}</p>}
          </li>
        ))}
      </ol>
    </section>
  )
}
