import type { Incident } from './incident.ts'
import * as dispatcher from './incidents-dispatcher.ts'
import * as log from './incidents-log.ts'
import * as normalizer from './incidents-normalizer.ts'

/**
 * One incident for each alert, by its name; several alerts of one entry may share one, and are then
 * played together. A new alert needs a line here, commands in its entry, and nothing else.
 */
export const INCIDENTS: Readonly<Record<string, Incident>> = {
  EventsLate: dispatcher.noPlaceLeft,
  FirstAttemptBudgetBurnsFast: dispatcher.noPlaceLeft,
  FirstAttemptBudgetBurns: dispatcher.noPlaceLeft,
  // By itself: it is over minutes after the others.
  FirstAttemptBudgetDrains: { ...dispatcher.noPlaceLeft },
  PartitionsUnowned: dispatcher.dispatchersFrozen,
  CommitsStalled: dispatcher.attemptsLocked,
  AttemptBufferFills: dispatcher.attemptsLocked,
  ConnectionsNotCompared: dispatcher.connectionsLocked,
  CommitLagGrows: dispatcher.tooSlow,
  LanesPastDue: dispatcher.tooSlow,
  DeadLettersRise: dispatcher.contentRejected,
  SuspensionsRise: dispatcher.endpointsGivenUp,
  EgressFailsForMany: dispatcher.endpointsAway,
  LaneStuck: log.tooManyReplicasAskedFor,
  PartitionStands: log.brokerFrozen,
  RecordsUnreadable: log.packedByOthers,
  RecordsLost: log.deletedUnread,
  WebhooksRefused: normalizer.nothingTakesCalls,
  NormalizerGone: normalizer.normalizerEnded,
  PublishSlow: normalizer.brokerStutters,
  ClockStepped: dispatcher.clockStepped,
  ProviderSilent: dispatcher.providerCutOff,
  KeptRequestsWait: normalizer.keptForLong,
  KeptRequestsFailed: normalizer.keptAndUnreadable,
  SecretsKeyMissing: normalizer.keyReplaced,
  RowsRefused: normalizer.wrongConstraint,
  SpoolNotEmpty: normalizer.kafkaAway,
  SpoolEntryStuck: normalizer.unreadableEntry,
  SpoolNearlyFull: normalizer.smallSpool,
}

/** Alerts that nobody brings about here, by their names, and why. Their entries have commands as well. */
export const UNPLAYED: Readonly<Record<string, string>> = {
  DiskFills: 'needs a volume of its own to fill, and an exporter that tells of it',
  DiskNearlyFull: 'needs a volume of its own to fill, and an exporter that tells of it',
  ServiceDown: 'no incident is written yet',
  ReplicaDown: 'no incident is written yet',
  ReplicaRestarts: 'takes six starts within the half-minute that half an hour of its rule is here',
  ConnectionsNotLoaded: 'no incident is written yet',
  EventsUndecodable: 'no incident is written yet',
  RegistryLost: 'no incident is written yet',
  RejectsRise: 'no incident is written yet',
  RecognitionSkipped: 'no incident is written yet',
  CleanUpBehind: 'no incident is written yet',
  ClocksApart: 'no incident is written yet',
  RestoreUnconfirmed: 'no incident is written yet',
  WindowFull: 'takes thousands of records behind one that does not end',
  PartitionsAdded: 'the way out is another log: test/e2e/more-partitions.test.ts goes it',
}
