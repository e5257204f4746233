import type { CallEvent, EventKind } from '../../../../../shared/call-event.ts'

/** One event of each kind, as it is posted. Typed by the event itself, so that a new field shows up here. */

const call: Omit<CallEvent, 'event' | 'eventId'> = {
  workspaceId: 'ws_42',
  provider: 'binotel',
  callId: 'call_8f3a5c0e1d2b4f6a7c8d9e0f1a2b3c4d',
  providerCallId: '4683310794',
  direction: 'inbound',
  callback: false,
  status: 'answered',
  statusDetail: 'TRANSFER',
  caller: '+380671235678',
  callee: '+380443334455',
  client: { number: '+380671235678', name: 'ТОВ «Їжак»', isNew: false },
  line: { number: '+380443334455', label: null },
  agent: { id: null, name: 'Ігор Ґалаґан', extension: '902', email: null },
  group: '801',
  transferred: true,
  legs: [
    {
      extension: '901',
      name: 'Олена Коваль',
      email: 'olena@example.com',
      status: 'answered',
      waitDuration: 6,
      talkDuration: 20,
    },
    {
      extension: '902',
      name: 'Ігор Ґалаґан',
      email: null,
      status: 'answered',
      waitDuration: 4,
      talkDuration: 75,
    },
  ],
  duration: 101,
  talkDuration: 95,
  waitDuration: 6,
  startedAt: '2026-05-26T13:57:59Z',
  answeredAt: '2026-05-26T13:58:05Z',
  endedAt: '2026-05-26T13:59:40Z',
  recordingStatus: 'pending',
  recordingUrl: null,
  transcriptUrl: null,
  transcript: null,
  order: null,
  tracking: {
    source: 'google',
    medium: 'cpc',
    campaign: 'Зима-2026',
    term: null,
    content: null,
    clientId: null,
    landingPage: 'https://shop.example.com/winter',
  },
}

const recorded: Pick<CallEvent, 'recordingStatus' | 'recordingUrl'> = {
  recordingStatus: 'available',
  recordingUrl: 'https://records.example.com/4683310794.mp3',
}

export const EXAMPLE_EVENTS: Readonly<Record<EventKind, CallEvent>> = {
  'call.completed': {
    event: 'call.completed',
    eventId: 'evt_5c1e9a7b3d2f4068a1b2c3d4e5f60718',
    ...call,
  },
  'call.recording_ready': {
    event: 'call.recording_ready',
    eventId: 'evt_d0b8f2a46c9e4b17905e3a7c8d1f2b64',
    ...call,
    ...recorded,
  },
  'call.transcribed': {
    event: 'call.transcribed',
    eventId: 'evt_71f3c5e8a9b04d2c86e7f1a2b3c4d5e6',
    ...call,
    ...recorded,
    transcriptUrl: 'https://records.example.com/4683310794.txt',
    transcript: {
      text: 'Доброго дня! Хочу замовити зимові шини…',
      language: 'uk',
      summary: 'Клієнт замовляє чотири зимові шини з доставкою.',
      clientMood: 'positive',
      agentMood: 'positive',
      overallMood: 'positive',
      recommendation: 'Надіслати рахунок сьогодні.',
      score: 92,
      scoreDetail: null,
    },
  },
  'order.created': {
    event: 'order.created',
    eventId: 'evt_2a9d4c7f1e8b4356b0c1d2e3f4a5b6c7',
    ...call,
    ...recorded,
    order: {
      id: '10245',
      number: '2026-10245',
      amount: 12400,
      currency: 'UAH',
      status: 'new',
      url: 'https://crm.example.com/orders/10245',
    },
  },
}
