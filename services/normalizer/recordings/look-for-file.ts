import { type Dispatcher, request } from 'undici'
import { EgressError } from '../../shared/egress/egress-error.ts'
import type { Look } from './check-schedule.ts'

/** Looks whether there is a file at an address, without reading it. Never rejects. */
export type LookForFile = (url: string, signal: AbortSignal) => Promise<Look>

const LOOK_MS = 5_000
/** "Method not allowed" and "not implemented": the server knows no HEAD. */
const KNOWS_NO_HEAD = new Set([405, 501])

/** `dispatcher` refuses what is not public: the address came in a webhook. */
export function createLookForFile(dispatcher: Dispatcher): LookForFile {
  const ask = async (url: string, method: 'HEAD' | 'GET', stopped: AbortSignal) => {
    const { statusCode, headers, body } = await request(url, {
      method,
      // One byte is enough to know; a server that sends the whole file is cut off below.
      ...(method === 'GET' && { headers: { range: 'bytes=0-0' } }),
      dispatcher,
      signal: AbortSignal.any([stopped, AbortSignal.timeout(LOOK_MS)]),
    })
    // Told of the cut, the body reports it as an error, which nobody else waits for.
    body.on('error', () => undefined).destroy()
    return { statusCode, headers }
  }
  return async (url, stopped) => {
    try {
      const head = await ask(url, 'HEAD', stopped)
      const told = KNOWS_NO_HEAD.has(head.statusCode) ? await ask(url, 'GET', stopped) : head
      return {
        kind: 'answered',
        status: told.statusCode,
        contentType: text(told.headers['content-type']),
        length: lengthOf(told.headers),
      }
    } catch (error) {
      const isBlocked = error instanceof EgressError && error.code !== 'LOOKUP_FAILED'
      return { kind: isBlocked ? 'blocked_address' : 'unreachable' }
    }
  }
}

type Headers = Readonly<Record<string, string | string[] | undefined>>

/** Of a part, `content-range: bytes 0-0/1234` tells the length of the whole. */
function lengthOf(headers: Headers): number | null {
  const whole = /\/(\d+)$/.exec(text(headers['content-range']) ?? '')?.[1]
  const told = whole ?? text(headers['content-length'])
  return told !== null && /^\d+$/.test(told) ? Number(told) : null
}

function text(value: string | string[] | undefined): string | null {
  return typeof value === 'string' ? value : null
}
