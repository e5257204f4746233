import { type Asked, HOST } from './asked.ts'
import { ERRORS } from './error-codes.ts'
import type { Group } from './group.ts'
import type { ResponseBody } from './messages.ts'

type OfAGroup =
  | 'JoinGroup'
  | 'SyncGroup'
  | 'Heartbeat'
  | 'LeaveGroup'
  | 'OffsetCommit'
  | 'OffsetFetch'

/** The group where this broker coordinates it, else the error that it answers. */
function coordinatedGroup({ request, trouble, groups }: Asked<OfAGroup>): Group | number {
  const { groupId } = request.body
  const planned = trouble.errorCode()
  if (planned !== ERRORS.NONE) return planned
  const isMine =
    request.api === 'Heartbeat'
      ? groups.answersHeartbeats(request.broker, groupId)
      : groups.brokerOf(groupId) === request.broker
  return isMine ? groups.group(groupId) : ERRORS.NOT_COORDINATOR
}

export function answerFindCoordinator({
  request,
  trouble,
  groups,
  portOf,
}: Asked<'FindCoordinator'>): ResponseBody<'FindCoordinator'> {
  const errorCode = trouble.errorCode()
  const nodeId = groups.brokerOf(request.body.key)
  const found = errorCode === ERRORS.NONE && nodeId >= 0
  return {
    throttleMs: 0,
    errorCode: nodeId < 0 ? ERRORS.COORDINATOR_NOT_AVAILABLE : errorCode,
    errorMessage: null,
    nodeId: found ? nodeId : -1,
    host: found ? HOST : '',
    port: found ? portOf(nodeId) : -1,
  }
}

export async function answerJoinGroup(
  asked: Asked<'JoinGroup'>,
): Promise<ResponseBody<'JoinGroup'>> {
  const group = coordinatedGroup(asked)
  const { body, clientId } = asked.request
  if (typeof group !== 'number') return group.join(body, clientId)
  const nobody = { generation: -1, protocol: '', leader: '', members: [] }
  return { throttleMs: 0, errorCode: group, memberId: body.memberId, ...nobody }
}

export async function answerSyncGroup(
  asked: Asked<'SyncGroup'>,
): Promise<ResponseBody<'SyncGroup'>> {
  const group = coordinatedGroup(asked)
  if (typeof group !== 'number') return group.sync(asked.request.body)
  return { throttleMs: 0, errorCode: group, assignment: Buffer.alloc(0) }
}

export function answerHeartbeat(asked: Asked<'Heartbeat'>): ResponseBody<'Heartbeat'> {
  const group = coordinatedGroup(asked)
  const errorCode = typeof group === 'number' ? group : group.heartbeat(asked.request.body)
  return { throttleMs: 0, errorCode }
}

export function answerLeaveGroup(asked: Asked<'LeaveGroup'>): ResponseBody<'LeaveGroup'> {
  const group = coordinatedGroup(asked)
  if (typeof group === 'number') return { throttleMs: 0, errorCode: group, members: [] }
  const members = asked.request.body.members.map((member) => ({
    ...member,
    errorCode: group.leave(member.memberId),
  }))
  return { throttleMs: 0, errorCode: ERRORS.NONE, members }
}

export function answerOffsetCommit(asked: Asked<'OffsetCommit'>): ResponseBody<'OffsetCommit'> {
  const { request, trouble, groups } = asked
  const group = coordinatedGroup(asked)
  const refusal = typeof group === 'number' ? group : group.checkCommit(request.body)
  const topics = request.body.topics.map(({ topic, partitions }) => ({
    topic,
    partitions: partitions.map(({ partition, offset, metadata }) => {
      const planned = trouble.errorCode(topic, partition)
      const errorCode = refusal === ERRORS.NONE ? planned : refusal
      if (errorCode === ERRORS.NONE) {
        groups.commit(request.body.groupId, topic, partition, { offset, metadata })
      }
      return { partition, errorCode }
    }),
  }))
  return { throttleMs: 0, topics }
}

export function answerOffsetFetch(asked: Asked<'OffsetFetch'>): ResponseBody<'OffsetFetch'> {
  const { request, trouble, groups } = asked
  const { groupId } = request.body
  const group = coordinatedGroup(asked)
  if (typeof group === 'number') return { throttleMs: 0, topics: [], errorCode: group }
  const wanted = request.body.topics ?? groups.committedTopics(groupId)
  const told = wanted.filter(({ topic }) => !trouble.isOmitted(topic))
  const topics = told.map(({ topic, partitions }) => ({
    topic,
    partitions: partitions
      .filter(({ partition }) => !trouble.isOmitted(topic, partition))
      .map(({ partition }) => {
        const committed = groups.committed(groupId, topic, partition)
        const errorCode = trouble.errorCode(topic, partition)
        const { offset, metadata } = committed ?? { offset: -1, metadata: '' }
        return { partition, offset, metadata, errorCode }
      }),
  }))
  return { throttleMs: 0, topics, errorCode: ERRORS.NONE }
}
