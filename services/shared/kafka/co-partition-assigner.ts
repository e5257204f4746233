import kafkajs from 'kafkajs'

const { AssignerProtocol } = kafkajs

/**
 * Gives partition p of *every* topic to one member, so that a workspace's events and its lane
 * records have one owner. Sticky: a member keeps what it had as far as the balance allows, since
 * each move costs the new owner a wait.
 *
 * kafkajs' own round robin deals topic × partition out one by one and is not co-partitioned.
 */

export interface Member {
  readonly memberId: string
  /** Partitions that it owned before, as it told in its user data. */
  readonly owned: readonly number[]
}

/** Pure: who gets which partitions. Every partition has exactly one owner; counts differ by one at most. */
export function assignPartitions(
  members: readonly Member[],
  partitionCount: number,
): Map<string, number[]> {
  const sorted = [...members].sort((a, b) => (a.memberId < b.memberId ? -1 : 1))
  const least = Math.floor(partitionCount / sorted.length)
  let extras = partitionCount % sorted.length
  const free = new Set(Array.from({ length: partitionCount }, (_, p) => p))
  const assigned = new Map<string, number[]>()
  // Those who own most keep the extra places: fewer moves.
  for (const member of [...sorted].sort((a, b) => b.owned.length - a.owned.length)) {
    // Only what is free, and once: two owners of a partition would deliver everything twice.
    const wanted = [...new Set(member.owned)].filter((p) => free.has(p))
    const quota = wanted.length > least && extras > 0 ? least + 1 : least
    if (quota > least) extras--
    const kept = wanted.slice(0, quota)
    for (const partition of kept) free.delete(partition)
    assigned.set(member.memberId, kept)
  }
  for (const partition of free) poorest(sorted, assigned).push(partition)
  for (const partitions of assigned.values()) partitions.sort((a, b) => a - b)
  return assigned
}

function poorest(members: readonly Member[], assigned: Map<string, number[]>): number[] {
  let least: number[] | undefined
  for (const { memberId } of members) {
    const partitions = assigned.get(memberId)
    if (partitions && (!least || partitions.length < least.length)) least = partitions
  }
  if (!least) throw new Error('a group has at least one member')
  return least
}

export const ASSIGNER_NAME = 'co-partition'
const VERSION = 1

/** What a member says of itself when it joins: what it reads, and which partitions it holds now. */
export function describeMember(topics: readonly string[], owned: readonly number[]): Buffer {
  return AssignerProtocol.MemberMetadata.encode({
    version: VERSION,
    topics: [...topics],
    userData: Buffer.from(JSON.stringify(owned)),
  })
}

export interface JoinedMember {
  readonly memberId: string
  readonly memberMetadata: Buffer
}

/** The share of each member, as the group's leader hands it in. */
export function assignmentsFor(
  joined: readonly JoinedMember[],
  topics: readonly string[],
  partitionCount: number,
): { readonly memberId: string; readonly memberAssignment: Buffer }[] {
  const members = joined.map(({ memberId, memberMetadata }) => ({
    memberId,
    owned: readOwned(memberMetadata),
  }))
  return [...assignPartitions(members, partitionCount)].map(([memberId, partitions]) => ({
    memberId,
    memberAssignment: AssignerProtocol.MemberAssignment.encode({
      version: VERSION,
      assignment: Object.fromEntries(topics.map((topic) => [topic, partitions])),
      userData: Buffer.alloc(0),
    }),
  }))
}

/** The partitions of a share, the same of every topic. */
export function readAssignment(assignment: Buffer): readonly number[] {
  const decoded = AssignerProtocol.MemberAssignment.decode(assignment)
  return Object.values(decoded?.assignment ?? {})[0] ?? []
}

/** What a member of another version wrote is not trusted: it only loses its stickiness. */
function readOwned(metadata: Buffer): number[] {
  try {
    const userData = AssignerProtocol.MemberMetadata.decode(metadata)?.userData
    const parsed: unknown = JSON.parse(userData?.toString() ?? '[]')
    return Array.isArray(parsed) ? parsed.filter((p) => Number.isInteger(p)) : []
  } catch {
    return []
  }
}
