/**
 * What the dashboard shows: the source of `dashboards/call-webhook.json`, made by `npm run dashboard`.
 *
 * A title is the question that its panel answers. Rates use `$__rate_interval`, so that they have
 * points at every zoom; what is counted over the time shown uses `$__range`.
 */
export interface RowSource {
  readonly title: string
  readonly panels: readonly PanelSource[]
}

export interface PanelSource {
  readonly title: string
  /** One sentence: what it tells, and what to do when it looks wrong. */
  readonly description: string
  /** One number, lines, or lines on top of each other. */
  readonly kind: 'stat' | 'lines' | 'stack'
  readonly unit: PanelUnit
  readonly queries: readonly QuerySource[]
  /** Of 24 columns. */
  readonly width: number
  /** The number's colour from each value on, and dashed lines in a graph; below the first: green. */
  readonly thresholds?: readonly (readonly [value: number, colour: string])[]
}

/** Units in Grafana's words. */
export type PanelUnit = 'short' | 's' | 'percentunit' | 'eps' | 'reqps' | 'bytes' | 'Bps'

export interface QuerySource {
  readonly expr: string
  /** `{{label}}` stands for the value of a label. */
  readonly legend: string
}

/** Services by the job that they are scraped as; other programs have `process_*` metrics, too. */
const OURS = 'job=~"normalizer|dispatcher|console"'
const RATE = '[$__rate_interval]'
const HALF = 12
const THIRD = 8
const QUARTER = 6

const DELAY = 'callwebhook_first_attempt_delay_seconds'
/**
 * Share of events whose first attempt began within the promised second; nothing when there were none.
 * What an endpoint made its own events wait for is not in it, as in `prometheus/rules/slo.yml`.
 */
const within = (range: string): string =>
  `sum(increase(${DELAY}_bucket{le=~"1|1[.]0"}${range})) / (sum(increase(${DELAY}_count${range})) > 0)`

const quantile = (q: number, bucket: string): string =>
  `histogram_quantile(${q}, sum by (le) (rate(${bucket}${RATE})))`

/** Words of the closed sets that mean well or ill; the others get a colour of the palette. */
export const COLOURS: Readonly<Record<string, string>> = {
  delivered: 'green',
  connected: 'green',
  retrying: 'yellow',
  failing: 'yellow',
  parked: 'yellow',
  dead_lettered: 'red',
  suspended: 'purple',
  disconnected: 'text',
}

const HEALTHY: RowSource = {
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

const WAITING: RowSource = {
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

const ENDPOINTS: RowSource = {
  title: "What do customers' endpoints do?",
  panels: [
    {
      title: 'How do attempts end?',
      description:
        'Attempts per second by outcome; many workspaces that fail at once are rather our egress than their endpoints.',
      kind: 'stack',
      unit: 'reqps',
      width: HALF,
      queries: [
        {
          expr: `sum by (outcome) (rate(callwebhook_attempts_total${RATE}))`,
          legend: '{{outcome}}',
        },
      ],
    },
    {
      title: 'How long do attempts take?',
      description:
        'Of those that were delivered and of those that were not; at 5 s (DISPATCHER_REQUEST_TIMEOUT_MS) an attempt is cut off.',
      kind: 'lines',
      unit: 's',
      width: HALF,
      queries: [
        {
          expr: quantile(0.5, 'callwebhook_attempt_seconds_bucket{outcome="delivered"}'),
          legend: 'delivered, p50',
        },
        {
          expr: quantile(0.99, 'callwebhook_attempt_seconds_bucket{outcome="delivered"}'),
          legend: 'delivered, p99',
        },
        {
          expr: quantile(0.99, 'callwebhook_attempt_seconds_bucket{outcome!="delivered"}'),
          legend: 'failed, p99',
        },
      ],
    },
    {
      title: 'Why do attempts fail?',
      description:
        'Failed attempts per second by class; one class across many workspaces at once is rather ours than theirs.',
      kind: 'stack',
      unit: 'reqps',
      width: HALF,
      queries: [
        {
          expr: `sum by (error_class) (rate(callwebhook_failed_attempts_total${RATE}))`,
          legend: '{{error_class}}',
        },
      ],
    },
    {
      title: 'How many endpoints fail, and why?',
      description:
        'Workspaces that wait for a retry, by what their last attempt met; a certificate class that rises is a date that passed.',
      kind: 'stack',
      unit: 'short',
      width: HALF,
      queries: [
        {
          expr: 'sum by (error_class) (callwebhook_failing_lanes) > 0',
          legend: '{{error_class}}',
        },
      ],
    },
    {
      title: 'What do customers not get?',
      description:
        'Dead letters in the last hour by reason: each can be sent again from the console. A sharp rise has one cause.',
      kind: 'lines',
      unit: 'short',
      width: THIRD,
      queries: [
        {
          expr: 'sum by (reason) (increase(callwebhook_dead_letters_total[1h]))',
          legend: '{{reason}}',
        },
      ],
    },
    {
      title: 'In which state are the connections?',
      description:
        'Customers by state: failing ones are tried again by themselves, suspended ones until their owner connects again.',
      kind: 'stack',
      unit: 'short',
      width: THIRD,
      queries: [{ expr: 'max by (state) (callwebhook_connections)', legend: '{{state}}' }],
    },
    {
      title: 'What do providers send?',
      description:
        'Requests per second by provider; one that falls silent against its own habit has changed or lost our address.',
      kind: 'stack',
      unit: 'reqps',
      width: THIRD,
      queries: [
        {
          expr: `sum by (provider) (rate(callwebhook_webhooks_received_total${RATE}))`,
          legend: '{{provider}}',
        },
      ],
    },
  ],
}

const RESOURCES: RowSource = {
  title: 'Resources',
  panels: [
    {
      title: 'How much CPU does each process use?',
      description: '100 % is one core, and all that the JavaScript of one process can use.',
      kind: 'lines',
      unit: 'percentunit',
      width: THIRD,
      queries: [
        {
          expr: `sum by (job, instance) (rate(process_cpu_seconds_total{${OURS}}${RATE}))`,
          legend: '{{job}} {{instance}}',
        },
      ],
    },
    {
      title: 'How much memory does each process hold?',
      description:
        'Resident memory; it grows with the workspaces seen, not with the events that wait.',
      kind: 'lines',
      unit: 'bytes',
      width: THIRD,
      queries: [{ expr: `process_resident_memory_bytes{${OURS}}`, legend: '{{job}} {{instance}}' }],
    },
    {
      title: 'Is the event loop held up?',
      description: 'Its delay, p99: every request of the process waits that long on top.',
      kind: 'lines',
      unit: 's',
      width: THIRD,
      queries: [
        { expr: `nodejs_eventloop_lag_p99_seconds{${OURS}}`, legend: '{{job}} {{instance}}' },
      ],
    },
    {
      title: 'How much time goes into garbage collection?',
      description: 'Share of the time; more than 10 % asks for a larger heap.',
      kind: 'lines',
      unit: 'percentunit',
      width: THIRD,
      queries: [
        {
          expr: `sum by (job, instance) (rate(nodejs_gc_duration_seconds_sum{${OURS}}${RATE}))`,
          legend: '{{job}} {{instance}}',
        },
      ],
    },
    {
      title: 'Who owns the partitions?',
      description: 'Per dispatcher; steps are rebalances, and each costs its partitions a pause.',
      kind: 'stack',
      unit: 'short',
      width: THIRD,
      queries: [
        { expr: 'sum by (instance) (callwebhook_partitions_assigned)', legend: '{{instance}}' },
      ],
    },
    {
      title: 'What does catching up cost?',
      description: 'Bytes per second of the log that are read again for lanes that were off-line.',
      kind: 'lines',
      unit: 'Bps',
      width: THIRD,
      queries: [
        { expr: `sum(rate(callwebhook_catchup_read_bytes_total${RATE}))`, legend: 'read again' },
      ],
    },
  ],
}

export const ROWS: readonly RowSource[] = [HEALTHY, WAITING, ENDPOINTS, RESOURCES]
