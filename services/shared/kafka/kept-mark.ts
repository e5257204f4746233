import type { DatabaseMark } from '../postgres/database-marks.ts'
import { GroupCoordinator, NOBODY } from './group-coordinator.ts'
import { restoresGroup } from './topics.ts'
import type { ClusterLink } from './wire/cluster-link.ts'

/**
 * The newest mark of the database, kept where a restore of it does not reach: as the commit of a group of
 * its own. All processes may be down while a database is restored. Kafka forgets it a week after the last
 * of them has stopped (`offsets.retention.minutes`).
 */
export interface KeptMark {
  /** Null: none is kept, or Kafka was lost as well. Rejects when Kafka cannot be asked. */
  read(): Promise<DatabaseMark | null>
  keep(mark: DatabaseMark): Promise<void>
}

/** `topic`: any that the service may read, the same for all of them. */
export function createKeptMark(
  link: ClusterLink,
  { topicPrefix, topic }: { readonly topicPrefix: string; readonly topic: string },
): KeptMark {
  const links = { beats: link, commits: link, questions: link }
  const coordinator = new GroupCoordinator(links, restoresGroup(topicPrefix))
  return {
    async read() {
      const [committed] = await coordinator.committed([topic], [0])
      return readMark(committed?.metadata ?? '')
    },
    // This group never has members.
    keep: (mark) =>
      coordinator.commit([{ topic, partition: 0, offset: 0, metadata: writeMark(mark) }], NOBODY),
  }
}

export function writeMark({ id, madeAt }: DatabaseMark): string {
  return `${id} ${madeAt}`
}

/** Null for what is no mark of ours. */
export function readMark(text: string): DatabaseMark | null {
  const [id = '', at = ''] = text.split(' ')
  const madeAt = Number(at)
  return UUID.test(id) && at !== '' && Number.isFinite(madeAt) ? { id, madeAt } : null
}

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/
