import { Gauge, type Registry } from 'prom-client'

/** Told by whoever is up, so that an alert can compare it with the partitions that somebody owns. */
export function tellPartitions(registry: Registry, partitions: number): void {
  new Gauge({
    name: 'callwebhook_topic_partitions',
    help: 'Partitions of the events topic: how many have to be delivered by somebody?',
    registers: [registry],
  }).set(partitions)
}
