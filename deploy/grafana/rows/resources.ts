import { RATE, type RowSource, THIRD } from '../row-source.ts'

/** Services by the job that they are scraped as; other programs have `process_*` metrics, too. */
const OURS = 'job=~"normalizer|dispatcher|console"'

export const RESOURCES: RowSource = {
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
