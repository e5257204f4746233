import { HALF, quantile, RATE, type RowSource, THIRD } from '../row-source.ts'

export const ENDPOINTS: RowSource = {
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
