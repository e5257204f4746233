import { useState } from 'react'
import './sources.css'
import { api, take } from '../../api.ts'
import { Button } from '../../components/button.tsx'
import { Card } from '../../components/card.tsx'
import { Empty } from '../../components/empty.tsx'
import { Loaded } from '../../components/loaded.tsx'
import { PageHeader } from '../../components/page-header.tsx'
import { useSession } from '../../session.tsx'
import { useResource } from '../../use-resource.ts'
import { AddSourceDialog } from './add-source-dialog.tsx'
import type { Source } from './provider-names.ts'
import { useSourcesText } from './source.ts'
import { SourceItem } from './source-item.tsx'

/** Somebody who has just made a test call is looking; otherwise only "last event" moves. */
const pollMs = (sources: readonly Source[] | undefined) =>
  sources?.some(({ firstEventAt }) => firstEventAt === null) ? 2_000 : 15_000

export function SourcesScreen() {
  const t = useSourcesText()
  const { workspaceId } = useSession()
  const [isAdding, setIsAdding] = useState(false)
  const sources = useResource<readonly Source[]>(
    `sources ${workspaceId}`,
    async (signal) => {
      // One page: a workspace has 50 where the operator did not allow more.
      const params = { path: { id: workspaceId }, query: { limit: 500 } }
      return (await take(api.GET('/v1/workspaces/{id}/sources', { params, signal }))).items
    },
    { pollMs },
  )
  const add = (
    <Button kind="primary" icon="plus" onClick={() => setIsAdding(true)}>
      {t.add}
    </Button>
  )
  const hasSome = sources.data !== undefined && sources.data.length > 0
  return (
    <>
      <PageHeader title={t.title} lead={t.lead} actions={hasSome ? add : undefined} />
      <div className="stack">
        <Loaded resource={sources}>
          {(loaded) => (
            <Card title={loaded.length === 0 ? undefined : t.count(loaded.length)}>
              {loaded.length === 0 ? (
                <Empty title={t.emptyTitle} icon="phone" action={add}>
                  {t.empty}
                </Empty>
              ) : (
                <ul className="sources">
                  {loaded.map((source) => (
                    <SourceItem key={source.id} source={source} reload={sources.reload} />
                  ))}
                </ul>
              )}
            </Card>
          )}
        </Loaded>
      </div>
      {isAdding && (
        <AddSourceDialog
          sources={sources.data ?? []}
          onAdded={sources.reload}
          onClose={() => setIsAdding(false)}
        />
      )}
    </>
  )
}
