import { Card } from '../../components/card.tsx'
import { DataTable } from '../../components/data-table.tsx'
import { Pill } from '../../components/pill.tsx'
import type { Tone } from '../../components/tone.ts'
import { recoveryEn } from '../../i18n/recovery.en.ts'
import { recoveryUk } from '../../i18n/recovery.uk.ts'
import { useFormat, useText } from '../../i18n.ts'
import { Moment } from '../../time.tsx'
import type { GrowingList } from '../../use-growing-list.ts'
import { type Backfill, isUnderWay } from './recovery-range.ts'
import { ShowMore } from './show-more.tsx'

const TONES: Readonly<Record<Backfill['state'], Tone>> = {
  queued: 'idle',
  running: 'info',
  done: 'good',
  cancelled: 'idle',
  failed: 'bad',
}

/** Nothing as long as there was none. */
export function PastBackfills({ backfills }: { readonly backfills: GrowingList<Backfill> }) {
  const t = useText({ en: recoveryEn, uk: recoveryUk }).past
  const { number } = useFormat()
  const past = backfills.resource.data?.items.filter((backfill) => !isUnderWay(backfill)) ?? []
  if (past.length === 0) return null
  return (
    <Card title={t.title}>
      <DataTable
        caption={t.title}
        rows={past}
        rowKey={({ id }) => id}
        columns={[
          {
            key: 'range',
            title: t.range,
            wide: true,
            cell: ({ since, until }) => (
              <span>
                <Moment at={since} form="minute" /> – <Moment at={until} form="minute" />
              </span>
            ),
          },
          {
            key: 'mode',
            title: t.mode,
            cell: ({ mode }) => <span className="recovery-word">{t.modes[mode]}</span>,
          },
          {
            key: 'state',
            title: t.state,
            cell: ({ state }) => <Pill tone={TONES[state]}>{t.states[state]}</Pill>,
          },
          {
            key: 'replayed',
            title: t.replayed,
            align: 'end',
            cell: ({ replayed }) => number(replayed),
          },
          {
            key: 'started',
            title: t.started,
            cell: ({ createdAt }) => <Moment at={createdAt} form="minute" />,
          },
        ]}
      />
      <ShowMore list={backfills} />
    </Card>
  )
}
