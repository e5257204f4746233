import { post } from '../requests.ts'
import { claim, type Row } from '../row.ts'
import type { Site } from '../site.ts'

const TEXT_BYTES = 261_000
/** № in windows-1251: three bytes in UTF-8, and the number of the caller stands twice in an event. */
const GROWING_BYTE = 0xb9

/** The body is within the limit; the event that was made of it was six times as large. */
export const eventThatGrows: Row = {
  number: 1,
  title: 'a body that grows on its way is refused at the door, and kept raw',
  async attack(site) {
    const { webhookUrl } = await site.attacker()
    const body = Buffer.concat([
      Buffer.from(
        '{"uniqueid":"ua0_-1779803880.1","calldate":"2026-05-26 16:58:00","call_type":"in",',
      ),
      Buffer.from('"dst":"380443334455","disposition":"ANSWERED","billsec":31,"caller":"'),
      Buffer.alloc(TEXT_BYTES, GROWING_BYTE),
      Buffer.from('"}'),
    ])
    const url = `${await webhookUrl('ringostat')}/after-call`
    const { status, reason } = await post(url, body, 'application/json; charset=windows-1251')
    // The drain looks every second.
    await site.calm(2_500)
    return [
      claim('answer', { status, reason }, { status: 422, reason: 'too_large' }),
      claim('entries in the spool', await spooled(site), 0),
      claim('kept raw', (await keptRaw(site)).length, 1),
    ]
  },
}

async function spooled(site: Site): Promise<number> {
  const [row] = await site.query<{ entries: string }>('select entries from spool_size')
  return Number(row?.entries ?? 0)
}

async function keptRaw(site: Site) {
  const records = await site.view.read(site.view.names.rejected)
  return records.filter(({ headers }) => headers['reason'] === 'too_large')
}
