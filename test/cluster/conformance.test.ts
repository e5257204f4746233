import { describe } from 'vitest'
import { clusterBrokers } from '../support/conformance/cluster-brokers.ts'
import { kafkaEnvironment } from '../support/conformance/kafka-environment.ts'
import {
  keepsItsWordInTrouble,
  waitsForPermission,
  writesRecords,
} from '../support/conformance/log-producer.ts'
import {
  keepsOffsets,
  readsPartitions,
  staysInTheGroup,
} from '../support/conformance/partition-consumer.ts'

/** A killed broker is missed after 9 s, and let in again after as many. */
const WITHIN_MS = 120_000

const onTheCluster = async (options: { readonly replicas?: number } = {}) =>
  kafkaEnvironment(await clusterBrokers(), options)

describe('a producer on three brokers', { timeout: WITHIN_MS }, () => {
  writesRecords(onTheCluster)
  waitsForPermission(onTheCluster)
  keepsItsWordInTrouble(onTheCluster, WITHIN_MS)
})

describe('a member of a group on three brokers', () => {
  keepsOffsets(onTheCluster, WITHIN_MS)
  readsPartitions(onTheCluster, WITHIN_MS)
  staysInTheGroup(onTheCluster, WITHIN_MS)
})
