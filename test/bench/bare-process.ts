import { Pool } from 'undici'
import {
  decodeSecret,
  newSigningSecret,
  sign,
} from '../../services/shared/egress/webhook-signature.ts'
import { aCallEvent } from '../support/builders.ts'

/**
 * The bare loop: the same bodies, signature and headers from memory, one request at a time per
 * workspace, and nothing else. What a dispatcher could reach at best.
 */
const origin = process.env['ORIGIN'] ?? ''
const workspaces = Number(process.env['WORKSPACES'])
const events = Number(process.env['EVENTS'])

const pool = new Pool(origin, { connections: workspaces, pipelining: 1 })
const key = decodeSecret(newSigningSecret())
const perWorkspace = Math.ceil(events / workspaces)
const bodies = Array.from({ length: perWorkspace }, (_, n) =>
  JSON.stringify(aCallEvent('w', String(n))),
)

async function lane(workspace: number): Promise<void> {
  const path = `/ok/w${workspace}`
  for (let n = 0; n < perWorkspace; n++) {
    const body = bodies[n] ?? ''
    const id = `evt_${workspace}_${n}`
    const timestamp = Math.floor(Date.now() / 1000)
    const { body: answer } = await pool.request({
      path,
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'user-agent': 'bare',
        'webhook-id': id,
        'webhook-timestamp': String(timestamp),
        'webhook-signature': sign(key, id, timestamp, body),
        'webhook-sequence': String(n),
        'webhook-attempt': '1',
      },
      body,
    })
    await answer.dump()
  }
}

process.once('message', () => {
  const began = process.cpuUsage()
  void Promise.all(Array.from({ length: workspaces }, (_, index) => lane(index))).then(() => {
    const { user, system } = process.cpuUsage(began)
    process.send?.({ cpuSeconds: (user + system) / 1e6 })
  })
})
process.send?.('ready')
