import { HALF, quantile, RATE, type RowSource, THIRD } from '../row-source.ts'

export const WAITING: RowSource = {
  title: 'Where does it wait?',
  panels: [
    {
      title: 'In which state are the lanes?',
      description:
        'Lanes with something to do or to wait for: parked ones wait for a retry of their endpoint, ready ones for a free request.',
      kind: 'stack',
      unit: 'short',
      width: THIRD,
      queries: [
        { expr: 'sum by (state) (callwebhook_lanes{state!="waiting"})', legend: '{{state}}' },
      ],
    },
    {
      title: 'How far up the schedule do retries get?',
      description:
        'Retries planned per second by delay; the longer ones belong to endpoints that have been down for long.',
      kind: 'stack',
      unit: 'eps',
      width: THIRD,
      queries: [
        { expr: `sum by (tier) (rate(callwebhook_retries_total${RATE}))`, legend: '{{tier}}' },
      ],
    },
    {
      title: 'Are lanes past due?',
      description:
        'Their retry is due and has had no turn; more than a moment of it means that dispatchers are overloaded: add one.',
      kind: 'lines',
      unit: 'short',
      width: THIRD,
      queries: [{ expr: 'sum(callwebhook_past_due_lanes)', legend: 'past due' }],
    },
    {
      title: 'How far behind are the commits?',
      description:
        'Records read and not committed: what a crash would read again at most. It must not grow.',
      kind: 'lines',
      unit: 'short',
      width: HALF,
      queries: [{ expr: 'sum by (instance) (callwebhook_commit_lag)', legend: '{{instance}}' }],
    },
    {
      title: 'Is the limit of open requests reached?',
      description:
        'Requests to endpoints that are open, per dispatcher; at DISPATCHER_IN_FLIGHT_MAX (512 by default) lanes wait for a free one.',
      kind: 'lines',
      unit: 'short',
      width: HALF,
      queries: [{ expr: 'sum by (instance) (callwebhook_in_flight)', legend: '{{instance}}' }],
      thresholds: [[512, 'red']],
    },
    {
      title: 'Does Kafka take events quickly?',
      description:
        'From a readable event to the acknowledgement of Kafka; the provider waits for that long.',
      kind: 'lines',
      unit: 's',
      width: HALF,
      queries: [
        { expr: quantile(0.5, 'callwebhook_publish_seconds_bucket'), legend: 'p50' },
        { expr: quantile(0.99, 'callwebhook_publish_seconds_bucket'), legend: 'p99' },
      ],
    },
    {
      title: 'Do calls wait in the spool?',
      description:
        'Accepted while Kafka was away, and in Postgres until it takes them; more than a hump that empties by itself is an outage.',
      kind: 'lines',
      unit: 'short',
      width: HALF,
      queries: [{ expr: 'max(callwebhook_spooled_requests)', legend: 'waiting' }],
    },
  ],
}
