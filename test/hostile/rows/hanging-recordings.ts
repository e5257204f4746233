import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inTurns, post, statusesOf } from '../requests.ts'
import { claim, type Row } from '../row.ts'

const RECORDINGS = 120
const WITHIN_MS = 10_000

/** Looks for files share a few places per host, and each that hangs takes one for seconds. */
export const hangingRecordings: Row = {
  number: 15,
  title: '120 recordings of one workspace that hang delay no other workspace’s by more than 10 s',
  env: { NORMALIZER_RECORDING_CHECKS: '1s,2s,3s,5s,10s' },
  async attack(site) {
    const files = await startFiles()
    try {
      const [attacker, other] = [await site.attacker(), await site.newcomer()]
      const [bad, good] = [await attacker.webhookUrl('unitalk'), await other.webhookUrl('unitalk')]
      const told = await inTurns([...Array(RECORDINGS).keys()], 10, (index) =>
        post(bad, callWith(9_000_000 + index, `${files.url}/hangs/${index}`), FORM),
      )
      // By now the looks of the first are under way, and those of the others are due.
      await site.calm(1_500)
      await post(good, callWith(9_900_000, `${files.url}/there`), FORM)
      const isTold = () =>
        site.receiver
          .of(other.workspaceId)
          .some(({ event }) => event.event === 'call.recording_ready')
      await site.receiver.until(isTold, 'the recording', WITHIN_MS).catch(() => undefined)
      return [
        claim('answers to the attacker', statusesOf(told), { 200: RECORDINGS }),
        claim('the neighbour is told of its recording within 10 s', isTold(), true),
      ]
    } finally {
      await files.stop()
    }
  },
}

const FORM = 'application/x-www-form-urlencoded'

function callWith(number: number, link: string): string {
  const fields = { call_id: String(number), call_from: '380671234567', call_to_0: '102' }
  const rest = { call_secondstalk: '95', call_secondsfulltime: '117', call_direction: 'in' }
  const end = { call_date: '2026-05-26 16:58:00', call_state: 'ANSWERED', call_link: link }
  return new URLSearchParams({ ...fields, ...rest, ...end }).toString()
}

/** One host, as that of a provider: it has one file, and hangs at all others. */
async function startFiles(): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const server = createServer((request, response) => {
    if (request.url === '/there') response.writeHead(200, { 'content-type': 'audio/mpeg' }).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
