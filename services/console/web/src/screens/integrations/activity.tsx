import { type Answer, api, take } from '../../api.ts'
import { ButtonLink } from '../../components/button.tsx'
import { Card } from '../../components/card.tsx'
import { Chart } from '../../components/chart.tsx'
import { Empty } from '../../components/empty.tsx'
import { Loaded } from '../../components/loaded.tsx'
import { Skeleton } from '../../components/skeleton.tsx'
import { Stat, StatRow } from '../../components/stat.tsx'
import { localeOf } from '../../i18n/language.ts'
import { useFormat, useLanguage } from '../../i18n.ts'
import { useSession } from '../../session.tsx'
import { useResource } from '../../use-resource.ts'
import { useTileText } from './tile-text.ts'

type Stats = Answer<'/v1/workspaces/{id}/stats', 'get'>

/** A success rate below it needs a look. */
const HEALTHY_SHARE = 0.9

export function Activity() {
  const { activity: t } = useTileText()
  const { workspaceId } = useSession()
  const stats = useResource<Stats>(
    `stats ${workspaceId}`,
    (signal) =>
      take(
        api.GET('/v1/workspaces/{id}/stats', {
          params: { path: { id: workspaceId }, query: { window: '7d' } },
          signal,
        }),
      ),
    { pollMs: 20_000 },
  )
  return (
    <Card
      title={t.title}
      lead={t.lead}
      actions={
        <ButtonLink to="/deliveries" icon="list">
          {t.all}
        </ButtonLink>
      }
    >
      <Loaded resource={stats} skeleton={<Skeleton height="chart" />}>
        {(loaded) => (isQuiet(loaded) ? <Quiet /> : <Figures stats={loaded} />)}
      </Loaded>
    </Card>
  )
}

function isQuiet({ delivered, failedAttempts }: Stats): boolean {
  return delivered === 0 && failedAttempts === 0
}

function Quiet() {
  const { activity: t } = useTileText()
  return (
    <Empty title={t.none} icon="clock">
      {t.noneLead}
    </Empty>
  )
}

function Figures({ stats }: { readonly stats: Stats }) {
  const { activity: t } = useTileText()
  const { number, percent, duration } = useFormat()
  const categories = useDayNames(stats.days)
  const { successRate } = stats
  const median = stats.days.findLast(({ p50Ms }) => p50Ms !== null)?.p50Ms ?? null
  return (
    <div className="stack stack-wide">
      <StatRow>
        <Stat label={t.delivered} value={number(stats.delivered)} />
        <Stat
          label={t.failed}
          value={number(stats.failedAttempts)}
          {...(stats.failedAttempts === 0 ? {} : { tone: 'bad' as const })}
        />
        <Stat
          label={t.rate}
          value={successRate === null ? '–' : percent(successRate)}
          hint={t.rateHint}
          {...(successRate === null
            ? {}
            : { tone: successRate < HEALTHY_SHARE ? ('warn' as const) : ('good' as const) })}
        />
        <Stat
          label={t.median}
          value={median === null ? '–' : duration(median)}
          hint={t.medianHint}
        />
      </StatRow>
      <Chart
        label={t.chart}
        categories={categories}
        series={[
          { label: t.delivered, tone: 'good', values: stats.days.map((day) => day.delivered) },
          { label: t.failed, tone: 'bad', values: stats.days.map((day) => day.failedAttempts) },
        ]}
      />
    </div>
  )
}

/** The days are calendar days of the workspace: they belong to no instant and to no zone. */
function useDayNames(days: Stats['days']): string[] {
  const locale = localeOf(useLanguage())
  const format = new Intl.DateTimeFormat(locale, {
    weekday: 'short',
    day: 'numeric',
    timeZone: 'UTC',
  })
  return days.map(({ date }) => format.format(new Date(`${date}T00:00:00Z`)))
}
