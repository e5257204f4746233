import { describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { ERRORS } from '../../support/fake-kafka/error-codes.ts'
import { Group } from '../../support/fake-kafka/group.ts'

function joining(memberId: string, sessionTimeoutMs = 10_000) {
  return {
    groupId: 'group',
    sessionTimeoutMs,
    rebalanceTimeoutMs: 10_000,
    memberId,
    instanceId: null,
    protocolType: 'consumer',
    protocols: [{ name: 'p', metadata: Buffer.from(memberId) }],
  }
}

async function aMemberOf(group: Group, sessionTimeoutMs?: number) {
  const { memberId } = await group.join(joining('', sessionTimeoutMs), 'client')
  return { memberId, joined: group.join(joining(memberId, sessionTimeoutMs), 'client') }
}

function syncing(memberId: string, generation: number, given: Readonly<Record<string, string>>) {
  const assignments = Object.entries(given).map(([id, what]) => ({
    memberId: id,
    assignment: Buffer.from(what),
  }))
  return { groupId: 'group', generation, memberId, instanceId: null, assignments }
}

async function aGroupOfOne(sessionTimeoutMs?: number, isStopped = () => false) {
  const group = new Group(isStopped)
  const { memberId, joined } = await aMemberOf(group, sessionTimeoutMs)
  const { generation } = await joined
  await group.sync(syncing(memberId, generation, { [memberId]: 'all' }))
  return { group, memberId, generation }
}

describe('a group of the fake brokers', () => {
  it('gives an id first, and takes nobody with another one', async () => {
    const group = new Group(() => false)

    expect(await group.join(joining(''), 'client')).toMatchObject({
      errorCode: ERRORS.MEMBER_ID_REQUIRED,
      memberId: expect.stringMatching(/^client-/),
    })
    expect(await group.join(joining('stranger'), 'client')).toMatchObject({
      errorCode: ERRORS.UNKNOWN_MEMBER_ID,
    })
  })

  it('waits for all to join again, and gives each what the leader gave', async () => {
    const { group, memberId, generation } = await aGroupOfOne()
    const second = await aMemberOf(group)
    expect(group.heartbeat({ memberId, generation })).toBe(ERRORS.REBALANCE_IN_PROGRESS)
    expect(group.checkCommit({ memberId, generation })).toBe(ERRORS.NONE)

    const again = await group.join(joining(memberId), 'client')
    const joined = await second.joined
    const given = { [memberId]: 'mine', [second.memberId]: 'yours' }
    const waiting = group.sync(syncing(second.memberId, generation + 1, {}))
    const synced = await group.sync(syncing(memberId, generation + 1, given))

    expect([again, joined]).toMatchObject([
      { generation: generation + 1, leader: memberId },
      { generation: generation + 1, leader: memberId, members: [] },
    ])
    expect(again.members.map((each) => each.memberId).sort()).toEqual(
      [memberId, second.memberId].sort(),
    )
    expect([synced, await waiting].map(({ assignment }) => String(assignment))).toEqual([
      'mine',
      'yours',
    ])
  })

  it('takes no commit of a generation that is over, of strangers, or while it is completing', async () => {
    const { group, memberId, generation } = await aGroupOfOne()
    const codes = [
      group.checkCommit({ memberId, generation: generation - 1 }),
      group.checkCommit({ memberId: 'stranger', generation }),
      group.checkCommit({ memberId, generation }),
    ]
    await group.join(joining(memberId), 'client')
    codes.push(group.checkCommit({ memberId, generation: generation + 1 }))

    expect(codes).toEqual([
      ERRORS.ILLEGAL_GENERATION,
      ERRORS.UNKNOWN_MEMBER_ID,
      ERRORS.NONE,
      ERRORS.REBALANCE_IN_PROGRESS,
    ])
  })

  it('throws a member out that is not heard of, but not while its broker stands still', async () => {
    let isStopped = true
    const { group, memberId } = await aGroupOfOne(20, () => isStopped)
    const { group: other } = await aGroupOfOne(20)
    await eventually(() => expect(other.memberIds).toEqual([]), 1_000)
    expect(group.memberIds).toEqual([memberId])

    isStopped = false
    await eventually(() => expect(group.memberIds).toEqual([]), 1_000)
  })
})
