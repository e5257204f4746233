import kafkajs, { type Kafka } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import * as apis from '../../../../services/shared/kafka/wire/api.ts'
import { connectionMakerOf } from '../../../../services/shared/kafka/wire/broker-connection.ts'
import { BrokerError, CODE } from '../../../../services/shared/kafka/wire/error-codes.ts'

const kafka = () =>
  new kafkajs.Kafka({ brokers: ['127.0.0.1:1'], logLevel: kafkajs.logLevel.NOTHING })

describe('the insides of kafkajs that we build on', () => {
  it('have sockets that can be hung up on', async () => {
    const maker = connectionMakerOf(kafka())
    const connectionPool = await maker.connectionPoolBuilder.build({ host: '127.0.0.1', port: 1 })
    const broker = maker.brokerPool.createBroker({ connectionPool, logger: maker.rootLogger })

    expect(broker).toMatchObject({
      connect: expect.any(Function),
      lookupRequest: expect.any(Function),
      connectionPool: { send: expect.any(Function), isConnected: expect.any(Function) },
    })
    expect(connectionPool.pool[0]).toMatchObject({
      connectionStatus: 'disconnected',
      requestQueue: { rejectAll: expect.any(Function), destroy: expect.any(Function) },
    })
  })

  it('are missed with a sentence that says where to look', () => {
    expect(() => connectionMakerOf({} as Kafka)).toThrow(
      'kafkajs has changed inside: see services/shared/kafka/wire',
    )
  })

  const constants = Object.values(apis).filter((one) => typeof one === 'object')

  it.each(constants.map((one) => [one.name, one.key, one] as const))(
    'know %s as request %s, and decode its answer apart from judging it',
    (_name, key, one) => {
      const definition = apis.definitionOf(one)
      const newest = Math.max(...definition.versions.map(Number))
      const made = definition.protocol({ version: newest })({
        topics: [],
        members: [],
        groupProtocols: [],
        groupAssignment: [],
      })

      expect(made).toMatchObject({
        request: { apiKey: key, encode: expect.any(Function) },
        response: { decode: expect.any(Function), parse: expect.any(Function) },
      })
    },
  )

  it.each([
    [apis.FIND_COORDINATOR, { groupId: 'told' }],
    [apis.LEAVE_GROUP, { groupId: 'group', memberId: 'told' }],
    [apis.HEARTBEAT, { groupId: 'group', memberId: 'told', groupGenerationId: 1 }],
    [apis.OFFSET_FETCH, { groupId: 'group', topics: [{ topic: 'told', partitions: [] }] }],
    [apis.METADATA, { topics: ['told'], allowAutoTopicCreation: false }],
  ])('take what we tell them by the names that we give it: $name', async (one, request) => {
    const definition = apis.definitionOf(one) as {
      versions: string[]
      protocol(options: { version: number }): (request: object) => {
        request: { encode(): Promise<{ readonly buffer: Buffer }> }
      }
    }
    const version = Math.max(...definition.versions.map(Number))
    const { buffer } = await definition.protocol({ version })(request).request.encode()

    expect(buffer.toString('latin1')).toContain('told')
  })

  it('read from leaders only, which newer versions of Fetch do not', () => {
    expect(Math.max(...apis.definitionOf(apis.FETCH).versions.map(Number))).toBe(10)
  })

  it.each([
    [CODE.NOT_LEADER, 'NOT_LEADER_FOR_PARTITION'],
    [CODE.NOT_COORDINATOR, 'NOT_COORDINATOR_FOR_GROUP'],
    [CODE.OUT_OF_ORDER_SEQUENCE, 'OUT_OF_ORDER_SEQUENCE_NUMBER'],
    [CODE.NOT_ENOUGH_REPLICAS, 'NOT_ENOUGH_REPLICAS'],
    [CODE.UNKNOWN_MEMBER_ID, 'UNKNOWN_MEMBER_ID'],
    [CODE.MEMBER_ID_REQUIRED, 'MEMBER_ID_REQUIRED'],
  ])('call %s what Kafka calls it: %s', (code, type) => {
    expect(new BrokerError(code, 'test').type).toBe(type)
  })
})
