import type { PartitionConsumer } from '../../../services/shared/kafka/partition-consumer.ts'
import type { LogProducer, LogProducerOptions } from '../../../services/shared/kafka/producer.ts'
import type { Logged } from './ledger.ts'
import type { Witness } from './witness.ts'

/** What the conformance suites need of the place in which they are to hold; each test makes its own. */

export interface LogEnvironment {
  readonly topic: string
  aProducer(): Promise<Pick<LogProducer, 'send'>>
  /** What the log of a partition holds, by offset. */
  written(partition: number): Promise<readonly Logged[]>
}

export interface GroupMember {
  readonly consumer: PartitionConsumer
  readonly witness: Witness
}

export interface GroupEnvironment {
  /** Two, of three partitions each. */
  readonly topics: readonly [string, string]
  /** A further member of the same group, which has joined. */
  aMember(): Promise<GroupMember>
  append(topic: string, partition: number, ...values: readonly string[]): Promise<void>
  /** As the coordinator does with members that it has not heard of for too long. */
  expelAll(): Promise<void>
}

/** Three brokers, fake or real, and what may happen to them. Everything is mended after each test. */
export interface Brokers {
  readonly addresses: readonly string[]
  /** Milliseconds; real brokers take no shorter one than 6 s. */
  readonly sessionTimeoutMs: number
  /**
   * Shorter than it takes them to notice that one of them stands still: until it is over a group has no
   * other coordinator. Milliseconds.
   */
  readonly briefSessionMs: number
  /** Of topics that are there for the conformance suites. */
  readonly batchBytesMax: number
  createTopics(topics: readonly string[], options: { readonly replicas: number }): Promise<void>
  leaderOf(topic: string, partition: number): Promise<number>
  /** Another broker leads each partition. */
  moveLeaders(topics: readonly string[]): Promise<void>
  coordinatorOf(groupId: string): Promise<number>
  moveCoordinator(groupId: string): Promise<void>
  membersOf(groupId: string): Promise<readonly string[]>
  /** As SIGKILL; where there are replicas others lead then, once the cluster has noticed. */
  kill(broker: number): Promise<void>
  start(broker: number): Promise<void>
  /** As SIGSTOP. */
  freeze(broker: number): Promise<void>
  thaw(broker: number): Promise<void>
  mend(): Promise<void>
}

/** Brokers with topics and a group that no other test has. */
export interface KafkaEnvironment extends LogEnvironment, GroupEnvironment {
  aMember(options?: { readonly sessionTimeoutMs: number }): Promise<GroupMember>
  readonly briefSessionMs: number
  readonly batchBytesMax: number
  readonly groupId: string
  aProducer(options?: Partial<LogProducerOptions>): Promise<LogProducer>
  leaderOf(partition: number): Promise<number>
  moveLeaders(): Promise<void>
  coordinator(): Promise<number>
  moveCoordinator(): Promise<void>
  kill(broker: number): Promise<void>
  start(broker: number): Promise<void>
  freeze(broker: number): Promise<void>
  thaw(broker: number): Promise<void>
}

/** Of every topic. */
export const PARTITIONS: readonly number[] = [0, 1, 2]
