import { Button } from '../../components/button.tsx'
import { Card } from '../../components/card.tsx'
import { DataTable } from '../../components/data-table.tsx'
import { Empty } from '../../components/empty.tsx'
import { Loaded } from '../../components/loaded.tsx'
import { Pill } from '../../components/pill.tsx'
import { Skeleton } from '../../components/skeleton.tsx'
import { canBeDelivered, type Gap } from '../../gap.ts'
import { recoveryEn } from '../../i18n/recovery.en.ts'
import { recoveryUk } from '../../i18n/recovery.uk.ts'
import { useText } from '../../i18n.ts'
import { Moment } from '../../time.tsx'
import type { GrowingList } from '../../use-growing-list.ts'
import { ShowMore } from './show-more.tsx'

interface GapsProps {
  readonly gaps: GrowingList<Gap>
  readonly onDeliver: (gap: Gap) => void
}

export function Gaps({ gaps, onDeliver }: GapsProps) {
  const t = useText({ en: recoveryEn, uk: recoveryUk }).gaps
  return (
    <Card title={t.title} lead={t.lead}>
      <Loaded resource={gaps.resource} skeleton={<Skeleton />}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title={t.none} icon="check">
              {t.noneText}
            </Empty>
          ) : (
            <GapTable items={items} onDeliver={onDeliver} />
          )
        }
      </Loaded>
      <ShowMore list={gaps} />
    </Card>
  )
}

interface GapTableProps {
  readonly items: readonly Gap[]
  readonly onDeliver: (gap: Gap) => void
}

function GapTable({ items, onDeliver }: GapTableProps) {
  const t = useText({ en: recoveryEn, uk: recoveryUk }).gaps
  return (
    <DataTable
      caption={t.title}
      rows={items}
      rowKey={({ id }) => id}
      columns={[
        { key: 'from', title: t.from, cell: ({ from }) => <Moment at={from} form="minute" /> },
        {
          key: 'to',
          title: t.to,
          cell: ({ to }) =>
            to === null ? (
              <Pill tone="warn" live>
                {t.open}
              </Pill>
            ) : (
              <Moment at={to} form="minute" />
            ),
        },
        { key: 'reason', title: t.reason, wide: true, cell: ({ reason }) => t.reasons[reason] },
        { key: 'state', title: t.state, cell: (gap) => <GapState gap={gap} /> },
        {
          key: 'action',
          title: t.action,
          align: 'end',
          cell: (gap) =>
            canBeDelivered(gap) && <Button onClick={() => onDeliver(gap)}>{t.deliver}</Button>,
        },
      ]}
    />
  )
}

function GapState({ gap: { reason, backfilledAt } }: { readonly gap: Gap }) {
  const t = useText({ en: recoveryEn, uk: recoveryUk }).gaps
  if (reason === 'deleted') {
    return (
      <span className="recovery-state">
        <Pill tone="bad">{t.gone}</Pill>
        <span className="muted">{t.goneText}</span>
      </span>
    )
  }
  return backfilledAt === null ? (
    <Pill tone="warn">{t.missing}</Pill>
  ) : (
    <span className="recovery-state">
      <Pill tone="good">{t.delivered}</Pill>
      <span className="muted">
        <Moment at={backfilledAt} form="minute" />
      </span>
    </span>
  )
}
