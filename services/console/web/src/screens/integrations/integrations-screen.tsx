import './integrations.css'
import { api, take } from '../../api.ts'
import { Loaded } from '../../components/loaded.tsx'
import { PageHeader } from '../../components/page-header.tsx'
import { useSession } from '../../session.tsx'
import { useResource } from '../../use-resource.ts'
import { Activity } from './activity.tsx'
import type { Connection } from './connection.ts'
import { Tile } from './tile.tsx'
import { useTileText } from './tile-text.ts'
import { Troubles } from './troubles.tsx'

/** Often enough that a countdown's end is seen; a working connection changes seldom. */
const pollMs = (connection: Connection | undefined) =>
  connection?.state === 'failing' ? 2_000 : 5_000

export function IntegrationsScreen() {
  const t = useTileText()
  const { workspaceId } = useSession()
  const params = { path: { id: workspaceId } }
  const connection = useResource<Connection>(
    `connection ${workspaceId}`,
    (signal) => take(api.GET('/v1/workspaces/{id}/connection', { params, signal })),
    { pollMs },
  )
  const gaps = useResource(
    `gaps ${workspaceId} ${connection.data?.state}`,
    (signal) =>
      take(
        api.GET('/v1/workspaces/{id}/gaps', {
          params: { ...params, query: { limit: 10 } },
          signal,
        }),
      ),
    { pollMs: 15_000 },
  )
  return (
    <>
      <PageHeader title={t.title} lead={t.lead} />
      <div className="stack stack-wide">
        <Loaded resource={connection}>
          {(loaded) => (
            <Tile
              connection={loaded}
              // Without them the tile still tells the rest; the page of the gaps shows the failure.
              gaps={gaps.data?.items ?? []}
              reload={connection.reload}
            />
          )}
        </Loaded>
        <Activity />
        <Troubles />
      </div>
    </>
  )
}
