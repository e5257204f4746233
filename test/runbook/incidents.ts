import type { Incident } from './incident.ts'
import * as disks from './incidents-disks.ts'
import * as dispatcher from './incidents-dispatcher.ts'
import * as log from './incidents-log.ts'
import * as normalizer from './incidents-normalizer.ts'
import * as processes from './incidents-processes.ts'

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
  ConnectionsNotLoaded: dispatcher.newcomerLocked,
  CommitLagGrows: dispatcher.tooSlow,
  LanesPastDue: dispatcher.tooSlow,
  DeadLettersRise: dispatcher.contentRejected,
  SuspensionsRise: dispatcher.endpointsGivenUp,
  EgressFailsForMany: dispatcher.endpointsAway,
  LaneStuck: log.writeForbidden,
  PartitionStands: log.brokerFrozen,
  WindowFull: log.windowFull,
  PartitionsAdded: log.partitionAdded,
  RecordsUnreadable: log.packedByOthers,
  RecordsLost: log.deletedUnread,
  EventsUndecodable: log.noEvent,
  RegistryLost: log.registryEmptied,
  RestoreUnconfirmed: log.logMadeAnew,
  WebhooksRefused: normalizer.nothingTakesCalls,
  NormalizerGone: normalizer.normalizerEnded,
  PublishSlow: normalizer.brokerStutters,
  RejectsRise: normalizer.formatChanged,
  RecognitionSkipped: normalizer.publishedLocked,
  CleanUpBehind: normalizer.oldRowLocked,
  ServiceDown: processes.consoleEnded,
  ReplicaDown: processes.consoleEnded,
  ReplicaRestarts: processes.consoleCrashes,
  DiskFills: disks.volumeFills,
  DiskNearlyFull: disks.volumeFills,
  ClockStepped: dispatcher.clockStepped,
  ClocksApart: dispatcher.clocksApart,
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
export const UNPLAYED: Readonly<Record<string, string>> = {}
