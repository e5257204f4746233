import { plural } from './language.ts'

export const laneEn = {
  title: 'Where are my calls?',
  lead: 'Calls reach you one after the other, in the order in which they happened. If one cannot be delivered, those behind it wait.',
  state: { flowing: 'Flowing', waiting: 'Waiting', stopped: 'Stopped' },
  flowing: {
    title: 'Nothing is held up',
    none: 'No call waits. What could not be delivered stands in “Missed calls”.',
    some: (count: number) =>
      `${plural('en', count, { one: 'call is', other: 'calls are' })} on the way to your endpoint at this moment.`,
  },
  waiting: {
    title: 'One call holds up the others',
    text: (behind: number) =>
      behind === 0
        ? 'Your endpoint has not taken the next call yet. We try again by ourselves; nothing is lost.'
        : `Your endpoint has not taken the next call yet, so ${plural('en', behind, { one: 'call waits', other: 'calls wait' })} behind it. We try again by ourselves; nothing is lost, and the order stays.`,
  },
  suspended: {
    title: 'We have stopped sending',
    text: 'Your endpoint failed for too long. Calls since then are not sent, but the log keeps them: repair the cause, reconnect, then deliver what was missed.',
    action: 'Repair and reconnect',
  },
  disconnected: {
    title: 'You are disconnected',
    text: 'Calls are sent nowhere. The log keeps them: after you connect, you can deliver what was missed.',
    action: 'Connect',
  },
  recover: 'Deliver what was missed',
  picture: (behind: number, state: string) =>
    `${plural('en', behind, { one: 'call', other: 'calls' })} behind the next one; the way to your endpoint: ${state}`,
  moreBehind: (count: number) => `+ ${count.toLocaleString('en-GB')} more`,
  calls: 'Your calls',
  endpoint: 'Your endpoint',
  next: 'Next to go',
  nextTitle: 'The next call',
  why: 'Why it waits',
  unknownWhy: 'Its first attempt is under way.',
  waitingInAll: 'Waiting in all',
  attempt: (attempt: number, max: number) => `${attempt} of ${max}`,
  attemptLabel: 'Attempts so far',
  failingSince: 'Failing since',
  nextAttempt: 'Next attempt',
  oldest: 'Oldest accepted',
  retryNow: 'Retry now',
  retryAsked: 'It is being sent.',
  details: 'Show its attempts',
  after: 'What happens if it keeps failing',
  afterText: (max: number) =>
    `After attempt ${max} we set this call aside and go on with the next one. If that fails as well, we stop sending. Neither is lost: both can be delivered later, from “Missed calls”.`,
  lastDelivered: 'Last delivered',
}
