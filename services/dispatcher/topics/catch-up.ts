import type { LogReader } from '../../shared/kafka/log-reader.ts'
import { readTraceContext } from '../../shared/trace-context.ts'
import type { LogBeginning } from '../lane/deleted-span.ts'
import type { LogBlock } from './session-ports.ts'

/**
 * Blocks of the events topic for lanes that catch up. Keeps the blocks that were read last: lanes
 * that come back together want the same range within seconds, one after the other.
 */
interface CachedBlock extends LogBlock {
  readonly partition: number
  readonly from: number
}

/** 16 MB: several blocks for each partition, or lanes a block apart would push out each other's. */
const BLOCKS_MAX = 64

export function createCatchUp(
  reader: Pick<LogReader, 'read' | 'firstSince'>,
  onRead: (bytes: number) => void,
): (partition: number, from: number) => Promise<LogBlock> {
  const blocks: CachedBlock[] = []

  function cached(partition: number, from: number): LogBlock | undefined {
    return blocks.find(
      (block) => block.partition === partition && block.from <= from && from < block.next,
    )
  }

  /** What is left may have been deleted, too, by the time its first record is asked for. */
  async function beginningOf(partition: number, offset: number): Promise<LogBeginning> {
    return (await reader.firstSince(partition, 0)) ?? { offset, at: null }
  }

  return async (partition, from) => {
    const known = cached(partition, from)
    if (known) return known
    const page = await reader.read(partition, from)
    const begins = page.isCutOff ? await beginningOf(partition, page.next) : null
    let bytes = 0
    const events = page.messages.flatMap(({ key, value, offset, timestamp, headers }) => {
      if (key === null || value === null) return []
      bytes += value.length
      const trace = readTraceContext(headers)
      const head = { offset: Number(offset), value, acceptedAt: Number(timestamp), trace }
      return [{ workspaceId: key.toString(), head }]
    })
    onRead(bytes)
    const next = begins?.offset ?? page.next
    const block = { partition, from, events, next, begins }
    // The end of the log is no block: more will come behind it.
    if (next > from) blocks.push(block)
    if (blocks.length > BLOCKS_MAX) blocks.shift()
    return block
  }
}
