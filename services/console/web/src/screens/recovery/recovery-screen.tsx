import { useEffect, useRef, useState } from 'react'
import { api, take } from '../../api.ts'
import { ButtonLink } from '../../components/button.tsx'
import { Notice } from '../../components/notice.tsx'
import { PageHeader } from '../../components/page-header.tsx'
import { Skeleton } from '../../components/skeleton.tsx'
import { canBeDelivered, type Gap } from '../../gap.ts'
import { recoveryEn } from '../../i18n/recovery.en.ts'
import { recoveryUk } from '../../i18n/recovery.uk.ts'
import { useText } from '../../i18n.ts'
import { useSession } from '../../session.tsx'
import { useGrowingList } from '../../use-growing-list.ts'
import { useResource } from '../../use-resource.ts'
import { BackfillForm } from './backfill-form.tsx'
import { DeadLetters } from './dead-letters.tsx'
import { Gaps } from './gaps.tsx'
import { PastBackfills } from './past-backfills.tsx'
import { isUnderWay, type Range, rangeOfGap } from './recovery-range.ts'
import { RunningBackfills } from './running-backfills.tsx'
import './recovery.css'

/** Milliseconds: progress is looked at while it runs, the rest while the page is open. */
const RUNNING_POLL_MS = 1_000
const REST_POLL_MS = 15_000
const DAY_MS = 86_400_000

/** What did not arrive, and how it still does. */
export function RecoveryScreen() {
  const t = useText({ en: recoveryEn, uk: recoveryUk })
  const { gaps, deadLetters, backfills, isStopped } = useRecovery()
  const [chosen, choose] = useState<{ readonly range: Range; readonly turn: number }>()
  const form = useRef<HTMLDivElement>(null)
  const deliver = (gap: Gap) => {
    choose({ range: rangeOfGap(gap, new Date()), turn: (chosen?.turn ?? 0) + 1 })
    form.current?.scrollIntoView({ block: 'start' })
    form.current?.querySelector<HTMLElement>('[type=submit]')?.focus({ preventScroll: true })
  }
  const running = backfills.resource.data?.items.filter(isUnderWay) ?? []
  return (
    <>
      <PageHeader title={t.title} lead={t.lead} />
      <div className="stack stack-wide">
        {isStopped && <StoppedNotice />}
        <div ref={form} className="recovery-form">
          {gaps.resource.loading ? (
            <Skeleton height="card" />
          ) : (
            <BackfillForm
              // Another chosen gap is another form: what was typed belongs to the one before.
              key={chosen?.turn}
              range={chosen?.range ?? suggestedRange(gaps.resource.data?.items)}
              onStarted={backfills.resource.reload}
            />
          )}
        </div>
        <RunningBackfills backfills={running} reload={backfills.resource.reload} />
        <Gaps gaps={gaps} onDeliver={deliver} />
        <DeadLetters deadLetters={deadLetters} onResent={backfills.resource.reload} />
        <PastBackfills backfills={backfills} />
      </div>
    </>
  )
}

function useRecovery() {
  const { workspaceId } = useSession()
  const path = { id: workspaceId }
  const gaps = useGrowingList(
    'gaps',
    (limit, signal) =>
      take(api.GET('/v1/workspaces/{id}/gaps', { params: { path, query: { limit } }, signal })),
    { pollMs: REST_POLL_MS },
  )
  const deadLetters = useGrowingList(
    'dead-letters',
    (limit, signal) =>
      take(
        api.GET('/v1/workspaces/{id}/dead-letters', { params: { path, query: { limit } }, signal }),
      ),
    { pollMs: REST_POLL_MS },
  )
  const backfills = useGrowingList(
    'backfills',
    (limit, signal) =>
      take(
        api.GET('/v1/workspaces/{id}/backfills', { params: { path, query: { limit } }, signal }),
      ),
    { pollMs: (page) => (page?.items.some(isUnderWay) ? RUNNING_POLL_MS : REST_POLL_MS) },
  )
  const connection = useResource(
    'connection',
    (signal) => take(api.GET('/v1/workspaces/{id}/connection', { params: { path }, signal })),
    { pollMs: REST_POLL_MS },
  )

  const underWay = backfills.resource.data?.items.filter(isUnderWay).length
  const { reload: reloadGaps } = gaps.resource
  const { reload: reloadDeadLetters } = deadLetters.resource
  const before = useRef(underWay)
  useEffect(() => {
    if (before.current === underWay) return
    before.current = underWay
    // One has begun or ended: gaps are closed by it, and dead letters have come. Failures are shown.
    void reloadGaps()
    void reloadDeadLetters()
  }, [underWay, reloadGaps, reloadDeadLetters])

  const state = connection.data?.state
  return {
    gaps,
    deadLetters,
    backfills,
    isStopped: state === 'disconnected' || state === 'suspended',
  }
}

/** The newest gap that can still be filled, else the last day: something to begin with. */
function suggestedRange(gaps: readonly Gap[] | undefined): Range {
  const now = new Date()
  const missing = gaps?.find((gap) => canBeDelivered(gap) && gap.to !== null)
  return rangeOfGap(
    missing ?? { from: new Date(now.getTime() - DAY_MS).toISOString(), to: null },
    now,
  )
}

function StoppedNotice() {
  const t = useText({ en: recoveryEn, uk: recoveryUk }).stopped
  return (
    <Notice
      tone="warn"
      title={t.title}
      action={
        <ButtonLink kind="primary" icon="plug" to="/">
          {t.action}
        </ButtonLink>
      }
    >
      {t.text}
    </Notice>
  )
}
