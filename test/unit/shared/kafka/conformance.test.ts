import { describe } from 'vitest'
import { fakeBrokers } from '../../../support/conformance/fake-brokers.ts'
import { kafkaEnvironment } from '../../../support/conformance/kafka-environment.ts'
import {
  keepsItsWordInTrouble,
  waitsForPermission,
  writesRecords,
} from '../../../support/conformance/log-producer.ts'
import {
  keepsOffsets,
  readsPartitions,
  staysInTheGroup,
} from '../../../support/conformance/partition-consumer.ts'

const WITHIN_MS = 20_000

const onFakeBrokers = async (options: { readonly replicas?: number } = {}) =>
  kafkaEnvironment(await fakeBrokers(), options)

describe('a producer on fake brokers', () => {
  writesRecords(onFakeBrokers)
  waitsForPermission(onFakeBrokers)
  keepsItsWordInTrouble(onFakeBrokers, WITHIN_MS)
})

describe('a member of a group on fake brokers', () => {
  keepsOffsets(onFakeBrokers, WITHIN_MS)
  readsPartitions(onFakeBrokers, WITHIN_MS)
  staysInTheGroup(onFakeBrokers, WITHIN_MS)
})
