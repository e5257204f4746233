import { randomBytes } from 'node:crypto'
import { aCallEvent } from '../../support/builders.ts'
import { keyOf } from '../../support/load.ts'
import { answer, OK } from '../../support/receiver.ts'
import { claim, type Row } from '../row.ts'
import { ATTACKED_PARTITION, type Site } from '../site.ts'

/** Fits into a record of `calls.events` and, with the headers of a lane record, into none. */
const EVENT_BYTES = 1_048_400
const ANSWER_MS = 4_000

/** Its lane could not write down where it stands, and stood for ever. */
export const eventWhoseRecordDoesNotFit: Row = {
  number: 4,
  title:
    'an event whose lane record does not fit becomes a dead letter without value, the lane goes on',
  async attack(site) {
    const { workspaceId } = await site.attacker()
    site.receiver.script(workspaceId, ({ providerCallId }) =>
      providerCallId === 'large' ? answer(500) : OK,
    )
    const next = site.foreigner.encode(aCallEvent(workspaceId, 'next'))
    for (const value of [filledTo(site, workspaceId), next]) {
      await site.foreigner.write(ATTACKED_PARTITION, { key: workspaceId, value })
    }
    const arrived = () => site.receiver.of(workspaceId).map(keyOf)
    await site.receiver
      .until(() => arrived().includes('next'), 'the next call', ANSWER_MS)
      .catch(() => undefined)
    const letters = await site.view.of(site.view.names.deadLetter, workspaceId)
    return [
      claim('the call behind it arrived', arrived().includes('next'), true),
      claim(
        'bytes of the dead letters',
        letters.map(({ value }) => value.length),
        [0],
      ),
      claim(
        'their origins',
        letters.map(({ headers }) => /^\d+$/.test(headers['dead-origin-offset'] ?? '')),
        [true],
      ),
    ]
  },
}

/** The event `large`, made as long as it may be by its transcript. */
function filledTo(site: Site, workspaceId: string): Buffer {
  const withText = (length: number) => {
    const text = randomBytes(length).toString('base64').slice(0, length)
    const event = aCallEvent(workspaceId, 'large')
    const transcript = { ...NO_TRANSCRIPT, text }
    return site.foreigner.encode({ ...event, transcript })
  }
  const around = withText(1_000_000).length - 1_000_000
  return withText(EVENT_BYTES - around)
}

const NO_TRANSCRIPT = {
  language: null,
  summary: null,
  clientMood: null,
  agentMood: null,
  overallMood: null,
  recommendation: null,
  score: null,
  scoreDetail: null,
}
