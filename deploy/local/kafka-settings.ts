import { join } from 'node:path'
import { type BrokerPlace, brokersOf, dataFolder, HOST, type Profile } from './profiles.ts'

/**
 * `server.properties` of one broker. Nothing is set about flushing: durability is that of a
 * production broker, and failure tests depend on it.
 */
export function brokerSettings(profile: Profile, broker: BrokerPlace): Record<string, string> {
  const { id, port, controllerPort } = broker
  const voters = brokersOf(profile).map((each) => `${each.id}@${HOST}:${each.controllerPort}`)
  return {
    'process.roles': 'broker,controller',
    'node.id': String(id),
    'controller.quorum.voters': voters.join(),
    listeners: `PLAINTEXT://${HOST}:${port},CONTROLLER://${HOST}:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://${HOST}:${port}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': logFolder(profile, broker),
    // The default of 50 partitions is loaded one by one at each start.
    'offsets.topic.num.partitions': '4',
    // The default waits 3 s for more members before a new group gets its partitions.
    'group.initial.rebalance.delay.ms': '0',
    // A mistyped topic must fail here as it does in production.
    'auto.create.topics.enable': 'false',
    // The default takes 128 MB of the heap for the compaction of topics that hold little here.
    'log.cleaner.dedupe.buffer.size': String(16 * 1024 * 1024),
    ...(profile.brokers === 1 ? ALONE : OF_THREE),
    ...(profile.hasPermissions && PERMISSIONS),
  }
}

export function logFolder(profile: Profile, { name }: BrokerPlace): string {
  return join(dataFolder(profile, name), 'log')
}

const PERMISSIONS = {
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'allow.everyone.if.no.acl.found': 'true',
}

/** One broker, so every internal topic has one replica. */
const ALONE = {
  // A killed broker is let in again when its old session has run out; the default is 9 s.
  'broker.session.timeout.ms': '5000',
  'broker.heartbeat.interval.ms': '1000',
  'offsets.topic.replication.factor': '1',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'share.coordinator.state.topic.replication.factor': '1',
  'share.coordinator.state.topic.min.isr': '1',
}

/**
 * As deploy/kafka/README.md asks of a production cluster. Sessions keep Kafka's default: what
 * clients live through while a frozen broker still counts as alive is what this cluster is for.
 */
const OF_THREE = {
  'default.replication.factor': '3',
  'min.insync.replicas': '2',
  'offsets.topic.replication.factor': '3',
  'transaction.state.log.replication.factor': '3',
  'transaction.state.log.min.isr': '2',
  'share.coordinator.state.topic.replication.factor': '3',
  'share.coordinator.state.topic.min.isr': '2',
}
