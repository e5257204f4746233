import { HALF, QUARTER, RATE, type RowSource } from '../row-source.ts'

const DELAY = 'callwebhook_first_attempt_delay_seconds'
/**
 * Share of events whose first attempt began within the promised second; nothing when there were none.
 * What an endpoint made its own events wait for is not in it, as in `prometheus/rules/slo.yml`.
 */
const within = (range: string): string =>
  `sum(increase(${DELAY}_bucket{le=~"1|1[.]0"}${range})) / (sum(increase(${DELAY}_count${range})) > 0)`

export const HEALTHY: RowSource = {
  title: 'Is it healthy?',
  panels: [
    {
      title: 'Which share is tried within 1 s?',
      description:
        'Of the events in the time shown, from acceptance to the first attempt; the goal is 99.9 %. Below it, look at the row "Where does it wait?".',
      kind: 'stat',
      unit: 'percentunit',
      width: QUARTER,
      queries: [{ expr: within('[$__range]'), legend: 'within 1 s' }],
      thresholds: [
        [0, 'red'],
        [0.99, 'orange'],
        [0.999, 'green'],
      ],
    },
    {
      title: 'How late is the latest event?',
      description:
        'Age of the oldest event that waits for an endpoint that does not fail; what failing ones wait for is in the next row.',
      kind: 'stat',
      unit: 's',
      width: QUARTER,
      queries: [{ expr: 'max(callwebhook_oldest_healthy_seconds)', legend: 'oldest' }],
      thresholds: [
        [1, 'orange'],
        [60, 'red'],
      ],
    },
    {
      title: 'Is every partition owned?',
      description:
        'Partitions that no dispatcher reads; for longer than a rebalance it means that their workspaces get nothing.',
      kind: 'stat',
      unit: 'short',
      width: QUARTER,
      queries: [
        {
          expr: 'max(callwebhook_topic_partitions) - sum(callwebhook_partitions_assigned)',
          legend: 'without an owner',
        },
      ],
      thresholds: [[1, 'red']],
    },
    {
      title: 'How many alerts fire?',
      description:
        'Each alert names its runbook; its name and labels are on the page of Prometheus.',
      kind: 'stat',
      unit: 'short',
      width: QUARTER,
      queries: [{ expr: 'sum(ALERTS{alertstate="firing"}) or vector(0)', legend: 'firing' }],
      thresholds: [[1, 'red']],
    },
    {
      title: 'Is what is accepted delivered?',
      description:
        'Events per second into Kafka and out to endpoints; a lasting distance is what parked workspaces are owed.',
      kind: 'lines',
      unit: 'eps',
      width: HALF,
      queries: [
        { expr: `sum(rate(callwebhook_events_published_total${RATE}))`, legend: 'accepted' },
        {
          expr: `sum(rate(callwebhook_attempts_total{outcome="delivered"}${RATE}))`,
          legend: 'delivered',
        },
      ],
    },
    {
      title: 'How fast is the error budget spent?',
      description:
        '1 spends it just in time, 14.4 spends a month of it in two days: page when both windows are above.',
      kind: 'lines',
      unit: 'short',
      width: HALF,
      queries: [
        { expr: `(1 - ${within('[5m]')}) / 0.001`, legend: 'over 5 minutes' },
        { expr: `(1 - ${within('[1h]')}) / 0.001`, legend: 'over 1 hour' },
      ],
      thresholds: [[14.4, 'red']],
    },
  ],
}
