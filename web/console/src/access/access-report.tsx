import { useQuery } from '@apollo/client/react'
import { AccessReport, type AccessReportQuery } from '../generated/operations.js'
import { Empty, FailureNotice, Loading } from '../ui/notice.js'
import { plain, short, when } from '../ui/words.js'

type Event = AccessReportQuery['fileAccessReport']['nodes'][number]

/** The accounting of disclosures: who asked for this patient's files, who was refused, who fetched. */
export function AccessReportView({ patientId }: { patientId: string }) {
  const { data, loading, error, fetchMore, refetch } = useQuery(AccessReport, { variables: { patientId }, fetchPolicy: 'network-only' })
  const page = data?.fileAccessReport
  const more = () =>
    fetchMore({
      variables: { after: page?.pageInfo.endCursor },
      updateQuery: (before, { fetchMoreResult: { fileAccessReport: next } }) => ({
        fileAccessReport: { ...next, nodes: [...before.fileAccessReport.nodes, ...next.nodes] },
      }),
    })
  return (
    <section aria-labelledby="report">
      <div className="section-head">
        <h2 id="report">Access report</h2>
        <button type="button" onClick={() => void refetch()}>
          Refresh
        </button>
      </div>
      <FailureNotice error={error} />
      {loading && !page && <Loading />}
      {page?.nodes.length === 0 && <Empty>Nobody has asked for files of this patient.</Empty>}
      {page && page.nodes.length > 0 && (
        <div className="table" tabIndex={0} role="region" aria-labelledby="report">
          <table>
            <thead>
              <tr>
                {['When', 'Who', 'What', 'Purpose', 'Outcome', 'Of'].map((name) => (
                  <th key={name} scope="col">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {page.nodes.map((event) => (
                <Line key={event.id} event={event} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {page?.pageInfo.hasNextPage && (
        <button type="button" onClick={() => void more()}>
          Earlier
        </button>
      )}
    </section>
  )
}

function Line({ event }: { event: Event }) {
  const refused = event.outcome !== 'SUCCESS'
  return (
    <tr>
      <td className="time">{when(event.recordedAt)}</td>
      <td>
        {event.actor.display ?? event.actor.id}
        {event.actor.role && <span className="fine"> {event.actor.role}</span>}
      </td>
      <td>{event.subtype.map(({ code, display }) => plain(display ?? code)).join(', ') || plain(event.action)}</td>
      <td>{event.purposeOfUse.join(', ')}</td>
      <td>
        <span className="badge" data-tone={refused ? 'bad' : 'good'}>
          {refused ? 'Refused' : 'Permitted'}
        </span>
        {event.outcomeDesc && <span className="fine"> {event.outcomeDesc}</span>}
      </td>
      <td className="mono">
        {event.entities
          .filter(({ reference }) => !reference.startsWith('Patient/'))
          .map(({ reference }) => short(reference))
          .join(', ')}
      </td>
    </tr>
  )
}
