import { Registry } from 'prom-client'
import type { Deliver } from '../../services/dispatcher/delivery/deliver.ts'
import { Engine } from '../../services/dispatcher/engine.ts'
import type { DispatcherMetrics } from '../../services/dispatcher/metrics.ts'
import { createCatchUp } from '../../services/dispatcher/topics/catch-up.ts'
import type { GapLog } from '../../services/dispatcher/topics/lane-runner.ts'
import { createLaneWriter } from '../../services/dispatcher/topics/retry-topics.ts'
import { identify, untold } from '../../services/shared/call-event.ts'
import type { CallEventDecoder } from '../../services/shared/call-event-codec.ts'
import { createLogger } from '../../services/shared/logger.ts'
import type { ProcessLinks } from './process-links.ts'
import { CATCH_UP, DEAD_LETTER, EVENTS, type World } from './world.ts'

const silent = createLogger('simulation', 'silent')
const noMetrics: DispatcherMetrics = {
  registry: new Registry(),
  firstAttemptBegun: () => undefined,
  attemptFinished: () => undefined,
  delivered: () => undefined,
  retryPlanned: () => undefined,
  buried: () => undefined,
  catchUpRead: () => undefined,
  recordsLost: () => undefined,
}
const decoder: CallEventDecoder = {
  isFramed: () => true,
  knows: () => true,
  learn: async () => undefined,
  decode: (value) => {
    const [workspaceId = '', number = ''] = value.toString().split('@')
    return identify(untold('call.completed', 'binotel', number), workspaceId)
  },
}
const names = {
  events: EVENTS,
  rejected: 'rejected',
  catchUp: CATCH_UP,
  deadLetter: DEAD_LETTER,
  retry: (delay: string) => `retry.${delay}`,
}

/** The real engine of one process, on the world's broker, database and network. */
export function createSimEngine(world: World, links: ProcessLinks, deliver: Deliver): Engine {
  const { scenario, random } = world
  const { clock } = links
  return new Engine({
    config: { ...scenario, tiers: someTiers(world) },
    eventsTopic: EVENTS,
    laneTopics: world.laneTopics,
    decoder,
    deliver,
    attempts: links.attempts(),
    gaps: gapLog(world, links),
    writer: createLaneWriter({
      producer: links.producer,
      names,
      clock,
      logger: silent,
    }),
    readLog: createCatchUp(
      { read: (p, from) => links.read(p, from), firstSince: async () => null },
      () => undefined,
    ),
    backfills: { replayed: () => undefined },
    // Its log never goes back.
    sequences: { open: async () => ({ epoch: 0, wentBackFrom: null }) },
    replayed: (_workspaceId, replay, isThrough) => world.replayed(replay, isThrough),
    loadConnections: (ids) => links.load(ids),
    metrics: noMetrics,
    logger: silent,
    clock,
    random: () => random.next(),
    newSessionId: () => `${links.name}/${random.next()}`,
  })
}

function gapLog(world: World, links: ProcessLinks): GapLog {
  const { postgres } = world
  return {
    extend: (id, from, until) => links.untilDone(() => postgres.extendGap(id, from, until)),
    suspend: ({ workspaceId, version }, from) =>
      links.untilDone(() => {
        const isSuspended = postgres.suspend(workspaceId, version, from)
        if (isSuspended) world.note(`SUSPENDED  ${workspaceId} by ${links.name}`)
        return isSuspended
      }),
    // Nothing is ever deleted here.
    deleted: async () => undefined,
    missed: (id) => links.untilDone(() => postgres.missed(id)),
  }
}

/** A process may have been configured with a shorter schedule; it reads all tiers all the same. */
function someTiers({ scenario: { tiers }, random }: World): typeof tiers {
  return random.chance(0.2) ? tiers.slice(0, random.between(1, tiers.length)) : tiers
}
