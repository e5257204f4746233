import type { LogReader } from '../../shared/kafka/log-reader.ts'
import { readTraceContext } from '../../shared/trace-context.ts'
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
  reader: Pick<LogReader, 'read'>,
  onRead: (bytes: number) => void,
): (partition: number, from: number) => Promise<LogBlock> {
  const blocks: CachedBlock[] = []

  function cached(partition: number, from: number): LogBlock | undefined {
    return blocks.find(
      (block) => block.partition === partition && block.from <= from && from < block.next,
    )
  }

  return async (partition, from) => {
    const known = cached(partition, from)
    if (known) return known
    const { messages, next } = await reader.read(partition, from)
    let bytes = 0
    const events = messages.flatMap(({ key, value, offset, timestamp, headers }) => {
      if (key === null || value === null) return []
      bytes += value.length
      const trace = readTraceContext(headers)
      const head = { offset: Number(offset), value, acceptedAt: Number(timestamp), trace }
      return [{ workspaceId: key.toString(), head }]
    })
    onRead(bytes)
    const block = { partition, from, events, next }
    // The end of the log is no block: more will come behind it.
    if (next > from) blocks.push(block)
    if (blocks.length > BLOCKS_MAX) blocks.shift()
    return block
  }
}
