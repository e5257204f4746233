import kafkajs from 'kafkajs'
import { describe, expect, it } from 'vitest'
import {
  assignmentsFor,
  assignPartitions,
  describeMember,
  type JoinedMember,
  type Member,
} from '../../../../services/shared/kafka/co-partition-assigner.ts'
import { randomFrom, seeds } from '../../../support/builders.ts'

const { AssignerProtocol } = kafkajs

function members(...owned: readonly (readonly number[])[]): Member[] {
  return owned.map((partitions, index) => ({ memberId: `member-${index}`, owned: partitions }))
}

/** Who gets what, in the order of the members. */
function assign(group: readonly Member[], partitionCount: number): number[][] {
  const assigned = assignPartitions(group, partitionCount)
  return group.map(({ memberId }) => assigned.get(memberId) ?? [])
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index)
}

function kept(group: readonly Member[], assigned: readonly (readonly number[])[]): number {
  return group.reduce(
    (sum, { owned }, index) => sum + owned.filter((p) => assigned[index]?.includes(p)).length,
    0,
  )
}

describe('assignment of partitions', () => {
  it('gives one member everything', () => {
    expect(assign(members([]), 6)).toEqual([range(6)])
  })

  it('leaves everything where it is while nobody comes or goes', () => {
    const group = members([1, 3, 5], [0, 2, 4])

    expect(assign(group, 6)).toEqual([
      [1, 3, 5],
      [0, 2, 4],
    ])
  })

  it('moves no more than the newcomer needs', () => {
    const group = members(range(6), [])

    expect(assign(group, 6)).toEqual([
      [0, 1, 2],
      [3, 4, 5],
    ])
  })

  it('gives what a member had who left to those with least', () => {
    expect(assign(members([0, 1], [2, 3]), 6)).toEqual([
      [0, 1, 4],
      [2, 3, 5],
    ])
  })

  it('gives nothing to those for whom there is no partition', () => {
    expect(assign(members([], [], []), 2)).toEqual([[0], [1], []])
  })

  it('believes one of two members who both say that a partition was theirs', () => {
    const assigned = assign(members([0, 1], [0, 1]), 4)

    expect(assigned.flat().toSorted()).toEqual([0, 1, 2, 3])
  })

  it.each([
    ['partitions that are no more', [0, 7, 99]],
    ['the same one twice', [0, 0, 1]],
    ['what is no partition', [-1, 0.5, 1]],
  ])('takes nothing wrong from a member that claims %s', (_case, claimed) => {
    const assigned = assign(members(claimed, []), 4)

    expect(assigned.flat().toSorted()).toEqual([0, 1, 2, 3])
    expect(assigned.map((partitions) => partitions.length)).toEqual([2, 2])
  })

  it.each(seeds(200))(
    'has one owner each, is balanced and sticky, whoever comes (seed %i)',
    (seed) => {
      const random = randomFrom(seed)
      const partitionCount = 1 + Math.floor(random() * 40)
      let group = members([])

      for (let generation = 0; generation < 8; generation++) {
        const assigned = assign(group, partitionCount)
        const sizes = assigned.map((partitions) => partitions.length)
        const [least, most] = [Math.min(...sizes), Math.max(...sizes)]

        expect(assigned.flat().toSorted((a, b) => a - b)).toEqual(range(partitionCount))
        expect(most - least).toBeLessThanOrEqual(1)
        expect(kept(group, assigned)).toBe(mostThatMayStay(group, partitionCount))
        group = nextGeneration(group, assigned, random)
      }
    },
  )
})

/** No balanced assignment keeps more: each member up to its share, the larger ones to the greediest. */
function mostThatMayStay(group: readonly Member[], partitionCount: number): number {
  const least = Math.floor(partitionCount / group.length)
  let extras = partitionCount % group.length
  let total = 0
  for (const { owned } of group) {
    const mayHaveExtra = owned.length > least && extras > 0
    if (mayHaveExtra) extras--
    total += Math.min(owned.length, mayHaveExtra ? least + 1 : least)
  }
  return total
}

/** Somebody leaves, or somebody comes, or both; the others own what they were given. */
function nextGeneration(
  group: readonly Member[],
  assigned: readonly (readonly number[])[],
  random: () => number,
): Member[] {
  const next = group.map(({ memberId }, index) => ({ memberId, owned: assigned[index] ?? [] }))
  if (next.length > 1 && random() < 0.5) next.splice(Math.floor(random() * next.length), 1)
  if (random() < 0.6) next.push({ memberId: `member-${random()}`, owned: [] })
  return next
}

describe('assigner in the protocol of a group', () => {
  const topics = ['calls.events', 'calls.retry']

  function joining(memberId: string, owned: readonly number[]): JoinedMember {
    return { memberId, memberMetadata: describeMember(topics, owned) }
  }

  function assignmentOf(group: readonly JoinedMember[]) {
    return assignmentsFor(group, topics, 4).map(
      ({ memberAssignment }) =>
        AssignerProtocol.MemberAssignment.decode(memberAssignment)?.assignment,
    )
  }

  it('gives a member the same partitions of every topic, and what it said it had', () => {
    const group = [joining('a', [1, 2]), joining('b', [0, 3])]

    expect(assignmentOf(group)).toEqual(
      expect.arrayContaining([
        { 'calls.events': [1, 2], 'calls.retry': [1, 2] },
        { 'calls.events': [0, 3], 'calls.retry': [0, 3] },
      ]),
    )
  })

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['no JSON', Buffer.from('sticky-v3')],
    ['no list', Buffer.from('{"owned":[1]}')],
    ['a list of words', Buffer.from('["1",null]')],
  ])('takes a member of another version that says %s for one who had nothing', (_c, userData) => {
    const { MemberMetadata } = AssignerProtocol
    const stranger = {
      memberId: 'b',
      memberMetadata: MemberMetadata.encode({ version: 9, topics, userData }),
    }

    const assigned = assignmentOf([joining('a', [0, 1, 2, 3]), stranger])

    expect(assigned.map((assignment) => assignment?.['calls.events']?.length)).toEqual([2, 2])
  })
})
