import { randomBytes } from 'node:crypto'
import { post, type Told } from '../requests.ts'
import { atMost, claim, type Row } from '../row.ts'
import type { Attacker, Site } from '../site.ts'

const LOWER_LIMIT = '131072'
/** What our topics take unless somebody says otherwise. */
const USUAL_LIMIT = '1048588'
const TEXT_LENGTH = 199_000
const SHORT_LENGTH = 1_000

/** What the topic does not take was acknowledged, and stopped whoever came behind it. */
export const topicWithALowerLimit: Row = {
  number: 3,
  title: 'a topic that takes less than we do is refused at start, and by one event at run time',
  async attack(site) {
    const attacker = await site.attacker()
    await site.foreigner.alter('max.message.bytes', LOWER_LIMIT)
    const short = await sendTranscript(site, attacker, SHORT_LENGTH)
    const large = await sendTranscript(site, attacker, TEXT_LENGTH)
    const refusal = (await site.refusalAtStart('normalizer')) ?? 'it started'
    await site.foreigner.alter('max.message.bytes', USUAL_LIMIT)
    const [spool] = await site.query<{ entries: string }>('select entries from spool_size')
    return [
      claim('an event that fits', short.status, 202),
      claim('the event that does not fit', large.status, 422),
      atMost('milliseconds until that was said', large.ms, 2_000),
      claim('entries in the spool', Number(spool?.entries), 0),
      claim('exit code 78', /exit code 78|code 78/.test(refusal) || refusal, true),
      claim('the setting is named', /max\.message\.bytes/.test(refusal) || refusal, true),
    ]
  },
}

async function sendTranscript(
  site: Site,
  { workspaceId }: Attacker,
  length: number,
): Promise<Told> {
  const path = `/v1/workspaces/${workspaceId}`
  const { token } = await site.product.api<{ token: string }>('POST', `${path}/tokens`, {})
  // Random, so that no compression makes it fit.
  const text = randomBytes(length).toString('base64').slice(0, length)
  const body = JSON.stringify({
    event: 'call.transcribed',
    provider: 'binotel',
    providerCallId: `c-${length}`,
    transcript: { text },
  })
  const url = `http://127.0.0.1:${site.product.env['NORMALIZER_PORT']}${path}/events`
  return post(url, body, { 'content-type': 'application/json', authorization: `Bearer ${token}` })
}
