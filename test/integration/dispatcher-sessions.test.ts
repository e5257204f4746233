import { randomBytes, randomUUID } from 'node:crypto'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type DispatcherConfig, readConfig } from '../../services/dispatcher/config.ts'
import { connectKafka } from '../../services/dispatcher/connect-kafka.ts'
import { AttemptLog } from '../../services/dispatcher/delivery/attempt-log.ts'
import { createDeliver } from '../../services/dispatcher/delivery/deliver.ts'
import { Engine } from '../../services/dispatcher/engine.ts'
import { createDispatcherMetrics } from '../../services/dispatcher/metrics.ts'
import { startPulse } from '../../services/dispatcher/pulse.ts'
import { createCatchUp } from '../../services/dispatcher/topics/catch-up.ts'
import { createLaneWriter } from '../../services/dispatcher/topics/retry-topics.ts'
import { createCallEventDecoder } from '../../services/shared/call-event-codec.ts'
import { systemClock as clock } from '../../services/shared/clock.ts'
import { createGuardedAgent } from '../../services/shared/egress/guarded-agent.ts'
import { startPartitionConsumer } from '../../services/shared/kafka/partition-consumer.ts'
import { createCallEventRegistry } from '../../services/shared/kafka/schema-registry.ts'
import { aCallEvent, aConnection, quiet } from '../support/builders.ts'
import { EventLog } from '../support/event-log.ts'
import { eventually } from '../support/eventually.ts'
import { FakeCustomers } from '../support/fake-customers.ts'
import { FakePool } from '../support/fake-pool.ts'
import { FakeSequences } from '../support/fake-sequences.ts'
import { judge } from '../support/oracle.ts'
import { answer, Receiver, type Script } from '../support/receiver.ts'
import { freshPrefix, testStack } from '../support/stack.ts'

const PARTITIONS = 6
const WORKSPACES = Array.from({ length: 12 }, (_, index) => `ws-${index}`)

/** The customer takes a few milliseconds, so that a hand-over finds requests open. */
const TAKES_A_MOMENT: Script = () => answer(200, 5)

/** Engines on a real log and a real group, in front of one receiver. Only Postgres is not real. */
async function aGroup() {
  const env = {
    ...testStack().env,
    TOPIC_PREFIX: freshPrefix(),
    TOPIC_PARTITIONS: String(PARTITIONS),
    SECRETS_KEY: randomBytes(32).toString('base64'),
    EGRESS_ALLOW_CIDRS: '127.0.0.0/8',
    EGRESS_ALLOW_HTTP: 'true',
    DISPATCHER_RETRY_TIERS: '1s,2s',
    DISPATCHER_REQUEST_TIMEOUT_MS: '2000',
    DISPATCHER_SESSION_TIMEOUT_MS: '6000',
  }
  const config = readConfig(env)
  const log = await EventLog.open(env)
  const receiver = await new Receiver().start()
  onTestFinished(async () => {
    await Promise.all([log.stop(), receiver.stop()])
  })
  return {
    receiver,
    sent: new Map<string, string[]>(WORKSPACES.map((workspaceId) => [workspaceId, []])),
    join: () => startDispatcher(config, log.topic, receiver),
    append: async (workspaceId: string, number: number) => {
      await log.append(aCallEvent(workspaceId, String(number)))
    },
  }
}

/** One dispatcher within this process; `leave` ends it in good order, once. */
async function startDispatcher(config: DispatcherConfig, topic: string, receiver: Receiver) {
  const postgres = new FakePool()
  const kafkaSide = await connectKafka(config, postgres.pool, quiet)
  const customers = new FakeCustomers(clock.now)
  const { typeOf } = createCallEventRegistry(config.kafka.registry)
  const agent = createGuardedAgent(config)
  const origin = `http://127.0.0.1:${receiver.port}`
  const engine: Engine = new Engine({
    config,
    eventsTopic: topic,
    decoder: createCallEventDecoder({ typeOf, clock, logger: quiet }),
    laneTopics: kafkaSide.laneTopics,
    deliver: createDeliver({ agent, requestTimeoutMs: config.requestTimeoutMs, clock }),
    attempts: new AttemptLog(postgres.pool, quiet, config.attemptsMax, () => undefined),
    metrics: createDispatcherMetrics(() => engine.figures(), {
      tiers: config.tiers,
      partitions: config.kafka.partitions,
      attemptsMax: config.attemptsMax,
    }),
    gaps: customers,
    sequences: new FakeSequences(),
    backfills: { replayed: () => undefined },
    writer: createLaneWriter({
      producer: kafkaSide.producer,
      names: kafkaSide.names,
      clock,
      logger: quiet,
    }),
    readLog: createCatchUp(kafkaSide.reader, () => undefined),
    replayed: () => undefined,
    random: Math.random,
    newSessionId: randomUUID,
    loadConnections: async (ids) => new Map(ids.map((id) => [id, aConnection(id, { origin })])),
    clock,
    logger: quiet,
  })
  const consumer = await startPartitionConsumer({
    kafka: kafkaSide.client,
    groupId: config.groupId,
    topics: kafkaSide.topics,
    partitions: config.kafka.partitions,
    owner: engine.sessions,
    sessionTimeoutMs: config.sessionTimeoutMs,
    logger: quiet,
  })
  engine.attach(consumer)
  const pulse = startPulse(engine)
  let left: Promise<void> | null = null
  const leave = async () => {
    await engine.stop()
    await consumer.stop()
    pulse.stop()
    await kafkaSide.stop()
    await agent.destroy()
  }
  const once = () => {
    left ??= leave()
    return left
  }
  onTestFinished(once)
  return { engine, postgres, leave: once }
}

type Group = Awaited<ReturnType<typeof aGroup>>

/** The next `count` events of every workspace. */
async function appendToAll({ sent, append }: Group, count: number): Promise<void> {
  await Promise.all(
    [...sent].map(async ([workspaceId, keys]) => {
      for (let index = 0; index < count; index++) {
        const number = keys.length + 1
        keys.push(String(number))
        await append(workspaceId, number)
      }
    }),
  )
}

function verdictOf({ sent, receiver }: Group) {
  return judge(sent, receiver.received, ({ event }) => event.providerCallId)
}

describe('sessions in a real group', () => {
  it('deliver each event once and in order while a second dispatcher comes and goes', async () => {
    const group = await aGroup()
    for (const workspaceId of WORKSPACES) group.receiver.script(workspaceId, TAKES_A_MOMENT)
    const first = await group.join()
    await appendToAll(group, 20)

    const second = await group.join()
    await appendToAll(group, 20)
    await eventually(() => {
      expect([first, second].map(({ engine }) => engine.sessions.count)).toEqual([3, 3])
    })
    await appendToAll(group, 20)
    await eventually(() => expect(second.postgres.attempts.length).toBeGreaterThan(0))
    await appendToAll(group, 20)
    await second.leave()
    await group.receiver.until(
      () => group.receiver.delivered.length >= 80 * WORKSPACES.length,
      'every event delivered',
    )

    expect(verdictOf(group)).toMatchObject({
      delivered: 80 * WORKSPACES.length,
      lost: [],
      outOfOrder: [],
      overlaps: 0,
      duplicates: 0,
    })
  })

  it('deliver nothing again after a restart, though a stuck workspace holds the watermark', async () => {
    const group = await aGroup()
    const [stuck = '', ...others] = WORKSPACES
    group.receiver.script(stuck, () => answer(500))
    const first = await group.join()
    await appendToAll(group, 10)
    await group.receiver.until(
      () => group.receiver.delivered.length === 10 * others.length,
      'all but the stuck workspace delivered',
    )
    await first.leave()

    const before = group.receiver.of(stuck).length
    await group.join()
    await appendToAll(group, 1)
    await group.receiver.until(
      () =>
        group.receiver.delivered.length >= 11 * others.length &&
        group.receiver.of(stuck).length > before,
      'what came after the restart delivered, and the stuck workspace tried again',
    )

    expect(verdictOf(group)).toMatchObject({ outOfOrder: [], overlaps: 0, duplicates: 0 })
    expect(new Set(group.receiver.of(stuck).map(({ event }) => event.providerCallId))).toEqual(
      new Set(['1']),
    )
  })

  it('take a partition over without a wait when it was left in good order', async () => {
    const group = await aGroup()
    const first = await group.join()
    await eventually(() => expect(first.engine.isReady()).toEqual({ ok: true }))
    await first.leave()

    const startedAt = Date.now()
    const second = await group.join()
    await eventually(() => expect(second.engine.sessions.count).toBe(PARTITIONS))

    // The grace alone would be 3 s: the request timeout of 2 s and a margin.
    expect(Date.now() - startedAt).toBeLessThan(2_500)
  })
})
