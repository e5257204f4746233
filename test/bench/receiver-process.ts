import { createServer } from 'node:http'

/**
 * The benchmark's endpoint, in a process of its own so that its work is nobody else's: answers by
 * path, keeps what the figures are made of, and does as little else as possible.
 *
 *   /ok/<workspace>      200 at once, or after `delayMs`
 *   /dead/<workspace>    500
 *   /hang/<workspace>    no answer
 *   GET /report          what came since the last reset; POST /reset?delayMs=20&coldCount=20000
 */
interface Report {
  received: number
  /** Milliseconds of the first receipt, of the end of the cold part, and of the last one. */
  firstAt: number
  warmAt: number
  lastAt: number
  /** Sequence numbers that did not grow, per workspace; two open at once for one workspace. */
  outOfOrder: number
  overlaps: number
  /** From acceptance to receipt, for events whose id tells when they were appended. */
  latenciesMs: number[]
}

const fresh = (): Report => ({
  received: 0,
  firstAt: 0,
  warmAt: 0,
  lastAt: 0,
  outOfOrder: 0,
  overlaps: 0,
  latenciesMs: [],
})

let report = fresh()
let delayMs = 0
let coldCount = 0
let sequences = new Map<string, number>()
const open = new Set<string>()

function take(path: string, sequence: number): void {
  const now = performance.timeOrigin + performance.now()
  report.received++
  if (report.received === 1) report.firstAt = now
  if (report.received === coldCount) report.warmAt = now
  report.lastAt = now
  if (open.has(path)) report.overlaps++
  if (sequence <= (sequences.get(path) ?? -1)) report.outOfOrder++
  sequences.set(path, sequence)
}

const server = createServer((request, response) => {
  const path = request.url ?? '/'
  if (path.startsWith('/report')) {
    response.end(JSON.stringify(report))
    return
  }
  if (path.startsWith('/reset')) {
    const query = new URL(path, 'http://x').searchParams
    delayMs = Number(query.get('delayMs') ?? 0)
    coldCount = Number(query.get('coldCount') ?? 0)
    report = fresh()
    sequences = new Map()
    response.end('ok')
    return
  }
  const isTimed = path.startsWith('/timed')
  let body = ''
  request.setEncoding('utf8')
  request.on('data', (chunk: string) => {
    if (isTimed) body += chunk
  })
  request.on('end', () => {
    if (path.startsWith('/dead')) {
      response.writeHead(500).end()
      return
    }
    if (path.startsWith('/hang')) return
    take(path, Number(request.headers['webhook-sequence']))
    if (isTimed) {
      const sentAt = Number(JSON.parse(body).providerCallId.split('@')[1])
      report.latenciesMs.push(performance.timeOrigin + performance.now() - sentAt)
    }
    open.add(path)
    const answer = () => {
      open.delete(path)
      response.end('ok')
    }
    if (delayMs === 0) answer()
    else setTimeout(answer, delayMs)
  })
})
server.keepAliveTimeout = 120_000
server.listen(Number(process.env['PORT']), '127.0.0.1', () => process.send?.('ready'))
