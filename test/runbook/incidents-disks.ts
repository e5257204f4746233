import { type Incident, notHere, page } from './incident.ts'

/** What befalls the volumes of the servers. */

export const volumeFills: Incident = {
  broken: "Kafka's volume filled up to its last 5 MB",
  variables: ({ volume }) => ({ CLAIM: volume.claim }),
  async break({ volume }) {
    await volume.fill()
    return () => volume.empty()
  },
  steps: [
    page('How much is free, of each', /kafka-0/),
    page('Of Postgres: which tables are the largest', /published_events/),
    page('If it is none of them: how much write-ahead log is held back for a replica'),
    notHere('Of a broker: how much each topic takes', 'the admin client here does not ask for it'),
    page(
      'Makes the volume of `$CLAIM` larger, here to 200 GiB, if its class allows that',
      /kafka-0 patched/,
    ),
    notHere(
      'Only if that cannot be done: keeps rejected requests for 7 days, and those before are lost',
      'the volume could be made larger',
    ),
  ],
}
