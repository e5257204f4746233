import { readFileSync } from 'node:fs'
import { aCallEvent } from '../../support/builders.ts'
import { keyOf } from '../../support/load.ts'
import { metricSum } from '../../support/metric-sum.ts'
import { LZ4, writeLz4 } from '../lz4-stored.ts'
import { claim, type Row } from '../row.ts'
import { ATTACKED_PARTITION, type Site } from '../site.ts'

const WITHIN_MS = 3_000

/** Clients choose how they compress, and we read only what kafkajs can. */
export const foreignCompression: Row = {
  number: 11,
  title:
    'a batch that a foreign producer compressed with lz4 is delivered: the broker recompresses',
  isLast: true,
  attack: async (site) => [claim('its call arrives', await lz4Arrives(site), true)],
}

export const unreadableSettings: Row = {
  number: 11,
  title: 'a compression that we cannot read is refused at start',
  isLong: true,
  isLast: true,
  async attack(site) {
    await site.foreigner.alter('compression.type', 'zstd')
    const refusal = (await site.refusalAtStart('normalizer')) ?? 'it started'
    // What the neighbours send meanwhile must not be written in it: it is about the start alone.
    await site.foreigner.alter('compression.type', 'gzip')
    return [
      claim('exit code 78', /exit code 78|code 78/.test(refusal) || refusal, true),
      claim('the setting is named', /compression\.type/.test(refusal) || refusal, true),
    ]
  },
  // Between the two changes the broker writes zstd, and only the start is judged.
  spares: [],
}

/** Against a topic that somebody set back to what the producer chose. */
export const unreadableBatch: Row = {
  number: 11,
  title: 'a batch that cannot be read stops its partition only, and says so',
  isLong: true,
  isLast: true,
  spares: ['elsewhere'],
  async attack(site) {
    await site.foreigner.alter('compression.type', 'producer')
    await lz4Arrives(site)
    const lag = await metricSum(site.port('DISPATCHER'), 'callwebhook_partition_lag_seconds')
    const log = readFileSync(site.dispatcher.logFile, 'utf8')
    return [
      claim('the log says so', log.includes('records.unreadable'), true),
      claim('its partition lags', lag > 0, true),
    ]
  },
}

async function lz4Arrives(site: Site): Promise<boolean> {
  writeLz4()
  const { workspaceId: key } = await site.attacker()
  const value = site.foreigner.encode(aCallEvent(key, 'lz4'))
  await site.foreigner.writeCompressed(LZ4, ATTACKED_PARTITION, { key, value })
  const isThere = () => site.receiver.of(key).map(keyOf).includes('lz4')
  await site.receiver.until(isThere, 'the call', WITHIN_MS).catch(() => undefined)
  return isThere()
}
