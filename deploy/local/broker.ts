import { freezeDaemon, type Stopped, thawDaemon } from './daemon.ts'
import { kafkaServer } from './kafka.ts'
import { type BrokerPlace, HOST, type Profile, pidFile } from './profiles.ts'
import { type Report, startServer, stopServer } from './server.ts'

/** One Kafka node as a failure test treats it: its machine stops, crashes, hangs, comes back. */
export interface Broker {
  readonly id: number
  readonly address: string
  /** Where the same node listens as a controller. */
  readonly controllerAddress: string
  /** In order: it hands its leaderships over first, which takes a controller quorum. */
  stop(): Promise<Stopped>
  /** The crash. Others lead its partitions once its session has run out. */
  kill(): Promise<Stopped>
  /** Its connections stay open and nothing answers on them. */
  freeze(): Promise<void>
  /** Resolves when the process goes on, which is before the cluster has taken notice. */
  thaw(): Promise<void>
  /**
   * With the data that it had, and when it runs already just the wait. Resolves when it answers and
   * the controller has let it in, which it does once the last session has run out: up to 9 s after
   * `kill`, and after `stop` as well. Of three, none gets that far before two of them run, so start
   * those side by side.
   */
  start(): Promise<void>
}

export function controlBroker(profile: Profile, place: BrokerPlace, report: Report): Broker {
  const server = kafkaServer(profile, report, undefined, place)
  const file = pidFile(profile, server.name)
  return {
    id: place.id,
    address: `${HOST}:${place.port}`,
    controllerAddress: `${HOST}:${place.controllerPort}`,
    stop: () => stopServer(profile, server),
    kill: () => stopServer(profile, server, 'SIGKILL'),
    freeze: () => freezeDaemon(file),
    thaw: () => thawDaemon(file),
    start: () => startServer(profile, server, report),
  }
}
