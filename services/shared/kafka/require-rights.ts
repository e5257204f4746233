import { systemClock } from '../clock.ts'
import { ConfigError, type KafkaConfig } from '../config.ts'
import type { Logger } from '../logger.ts'
import { createKafka } from './client.ts'
import {
  bitOf,
  type Granted,
  grantedKey,
  missingRights,
  missingSentence,
  type Right,
  type RightsOwner,
  type RightsPlace,
  rightsOf,
} from './rights.ts'
import { FIND_COORDINATOR } from './wire/api.ts'
import { type ClusterLink, createClusterLink } from './wire/cluster-link.ts'
import { CODE, isCoordinatorElsewhere, requireSuccess } from './wire/error-codes.ts'
import { GROUP_RIGHTS, TOPIC_RIGHTS, UNTOLD } from './wire/rights-api.ts'

/** Brokers take some seconds until they heed what was allowed a moment ago. */
const PATIENCE_MS = 10_000
const ASK_AGAIN_MS = 500

export interface RightsOptions extends Omit<RightsPlace, 'topicPrefix'> {
  readonly logger: Logger
  /** Milliseconds for which a right may be missing. Default: 10,000. */
  readonly patienceMs?: number
}

/**
 * Asks a broker what we may do. A broker that is away, or that is too old to say it, is no answer about
 * rights: then we start, and meet it where we need it.
 *
 * @throws ConfigError with each missing right and the command that grants it.
 */
export async function requireRights(
  config: KafkaConfig,
  owner: RightsOwner,
  { logger, patienceMs = PATIENCE_MS, ...place }: RightsOptions,
): Promise<void> {
  const rights = rightsOf(owner, { ...place, topicPrefix: config.topicPrefix })
  const link = createClusterLink({ kafka: createKafka(config, owner, logger), logger })
  const until = performance.now() + patienceMs
  try {
    for (;;) {
      const missing = missingRights(rights, await askRights(link, rights))
      if (missing.length === 0) return
      if (performance.now() >= until) throw refused(missing, config)
      await systemClock.sleep(ASK_AGAIN_MS)
    }
  } catch (error) {
    if (error instanceof ConfigError) throw error
    logger.warn({ err: error }, 'rights.unknown')
  } finally {
    link.close()
  }
}

function refused(missing: readonly Right[], { brokers, sasl }: KafkaConfig): ConfigError {
  const asker = { brokers, username: sasl?.username ?? null }
  return new ConfigError(missing.map((right) => missingSentence(right, asker)))
}

async function askRights(link: ClusterLink, rights: readonly Right[]): Promise<Granted> {
  const named = (kind: Right['resource']) =>
    rights.filter(({ resource }) => resource === kind).flatMap(({ checked }) => checked)
  const groups = named('group').map(async (groupId) => {
    return [grantedKey({ resource: 'group' }, groupId), await askGroup(link, groupId)] as const
  })
  // Waited for together: one that failed while nobody listened would end the service at its start.
  const [ofTopics, ofGroups] = await Promise.all([
    askTopics(link, named('topic')),
    Promise.all(groups),
  ])
  return new Map([...ofTopics, ...ofGroups])
}

async function askTopics(
  link: ClusterLink,
  topics: readonly string[],
): Promise<readonly (readonly [string, number | null])[]> {
  const answer = await link.askAnyone(TOPIC_RIGHTS, { topics })
  // Whoever may create topics anywhere is not told so for each of them.
  const mayCreate = (bitsOf(answer.clusterOperations) ?? 0) & bitOf('Create')
  return answer.topics.map(({ errorCode, topic, operations }) => {
    const bits = errorCode === CODE.TOPIC_AUTHORIZATION_FAILED ? 0 : bitsOf(operations)
    const all = bits === null ? null : bits | mayCreate
    return [grantedKey({ resource: 'topic' }, topic), all] as const
  })
}

/** Null as well while nobody coordinates the group, such as on a new cluster. */
async function askGroup(link: ClusterLink, groupId: string): Promise<number | null> {
  const found = await link.askAnyone(FIND_COORDINATOR, { groupId })
  if (found.errorCode === CODE.GROUP_AUTHORIZATION_FAILED) return 0
  if (isCoordinatorElsewhere(found.errorCode)) return null
  requireSuccess(found.errorCode, `no coordinator of ${groupId}`)
  const { groups } = await link.ask(found.coordinator, GROUP_RIGHTS, { groupIds: [groupId] })
  const [group] = groups
  if (!group) throw new Error(`no answer about ${groupId}`)
  if (group.errorCode === CODE.GROUP_AUTHORIZATION_FAILED) return 0
  if (isCoordinatorElsewhere(group.errorCode)) return null
  requireSuccess(group.errorCode, `rights on ${groupId}`)
  return bitsOf(group.operations)
}

function bitsOf(operations: number): number | null {
  return operations === UNTOLD ? null : operations
}
