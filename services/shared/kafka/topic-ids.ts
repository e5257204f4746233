import type { ClusterLink } from './wire/cluster-link.ts'
import { CODE } from './wire/error-codes.ts'
import { TOPIC_IDS, type TopicIds } from './wire/topic-ids-api.ts'

const ASKED_MAX = 5
const ANSWER_MS = 1_500
/** Of a broker that gives topics no ids. */
const NO_ID = /^0*$/

/**
 * The ids of those of the topics that are there, by name, as most brokers tell them: one that is cut off
 * knows a topic that was deleted since. 32 hexadecimal digits each.
 *
 * @throws BrokerAwayError when nobody answers, and VersionError when brokers know no ids (before Kafka 2.8).
 */
export async function readTopicIds(
  link: ClusterLink,
  topics: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  await link.refresh()
  const asked = link.nodes.slice(0, ASKED_MAX)
  const asking = asked.map((node) => link.ask(node, TOPIC_IDS, { topics }, ANSWER_MS))
  const answers = await Promise.allSettled(asking)
  const told = answers.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const failed = answers.find((one) => one.status === 'rejected')
  if (told.length <= asked.length / 2 && failed) throw failed.reason
  return agreedIds(told, asked.length)
}

/** What more than half of the brokers say of a topic; nothing of one on which they do not agree. */
export function agreedIds(
  answers: readonly TopicIds[],
  brokers: number,
): ReadonlyMap<string, string> {
  const votes = new Map<string, number>()
  const agreed = new Map<string, string>()
  for (const { errorCode, topic, topicId } of answers.flatMap(({ topics }) => topics)) {
    if (errorCode === CODE.UNKNOWN_TOPIC_OR_PARTITION || NO_ID.test(topicId)) continue
    const vote = `${topic}\0${topicId}`
    const count = (votes.get(vote) ?? 0) + 1
    votes.set(vote, count)
    if (count > brokers / 2) agreed.set(topic, topicId)
  }
  return agreed
}
