import { plural } from './language.ts'

export const sourcesEn = {
  title: 'Sources',
  lead: 'Where your calls come from. Each source is a webhook URL that you enter once at your telephony provider.',
  add: 'Add a source',
  emptyTitle: 'No calls come in yet',
  empty: 'Choose your telephony provider. You get a webhook URL and are shown where to enter it.',
  list: 'Your sources',
  waiting: 'Waiting for the first event',
  received: 'First event received',
  active: 'Receiving',
  since: 'Since',
  lastEvent: 'Last event',
  oldUrl: 'The URL before works until',
  menu: {
    label: (name: string) => `Actions of ${name}`,
    steps: 'Set-up steps',
    rotate: 'Replace the URL',
    remove: 'Delete',
  },
  dialog: {
    choose: 'Choose your provider',
    settings: (provider: string) => `New source: ${provider}`,
    done: (provider: string) => `Connect ${provider}`,
    back: 'Back',
    create: 'Get the webhook URL',
    finish: 'Done',
    label: 'Name',
    labelHint: 'For you, if you have several: “Main office”.',
    more: 'Optional settings',
    once: 'Copy it now: it is a secret and is not shown again. If it gets lost, replace it.',
    steps: 'What to do at the provider',
    waitingHint: 'Make a test call. This turns green by itself when it arrives.',
    receivedHint: 'Calls of this source now flow.',
  },
  url: {
    webhook: 'Webhook URL',
    'after-call': 'URL for incoming calls (after call)',
    'after-out-call': 'URL for outgoing calls (after call)',
    ai: 'URL for “Call processed by AI”',
    placeholder: '(your webhook URL)',
  },
  rotate: {
    title: 'Replace the webhook URL?',
    confirm: 'Replace',
    text: 'You get a new URL. The old one works for another 24 hours, so that no call is missed while you change it at the provider.',
    done: 'The new webhook URL',
    overlap: 'The old URL works until',
  },
  remove: {
    title: (name: string) => `Delete ${name}?`,
    confirm: 'Delete',
    text: 'Its webhook URL stops working at once: calls that the provider reports to it are refused. What has been received stays and is delivered.',
  },
  fields: {
    projectId: { label: 'Ringostat project id', hint: 'Calls of another project are refused.' },
    zone: {
      label: 'Time zone of the provider’s account',
      hint: 'For times without offset, such as Europe/Kyiv. Empty: that of the workspace.',
    },
    timezone: {
      label: 'Time zone of the provider’s account',
      hint: 'Only for times sent as text. Empty: that of the workspace.',
    },
    'basic.username': {
      label: 'Basic login',
      hint: 'If you choose Basic authorization at Ringostat.',
    },
    'basic.password': { label: 'Basic password', hint: '' },
    fieldMap: {
      label: 'Renamed parameters',
      hint: 'One a line, our name = yours: uniqueid = call_id',
    },
    companyId: { label: 'Binotel company id', hint: 'Calls of another company are refused.' },
    apiKey: {
      label: 'API key of Binotel',
      hint: 'With key and secret, events carry a link to the recording. Ask Binotel’s support for them.',
    },
    apiSecret: {
      label: 'API secret of Binotel',
      hint: 'Belongs to the key. Both are stored encrypted and are not shown again.',
    },
    accountDomain: {
      label: 'Domain of your Phonet',
      hint: 'Such as acme.phonet.com.ua. Calls of another one are refused.',
    },
    internalLines: {
      label: 'Internal lines of your staff',
      hint: 'Separated by commas. Empty: told by their look, 800 and eight digits.',
    },
    companyNumbers: { label: 'Numbers of your company', hint: 'Separated by commas.' },
    mergeWindowSec: {
      label: 'Seconds until a call that nobody ended counts as over',
      hint: 'Between 5 and 600; 60 if empty.',
    },
    storeEndIn: { label: 'Calls that ended in the greeting are missed calls', hint: '' },
    mergeBySession: { label: 'A transferred call is one call', hint: '' },
    authorizationHeader: {
      label: 'Authorization header',
      hint: 'If agreed with Stream Telecom: requests without it are refused.',
    },
    headerSecret: {
      label: 'Secret in the Authorization header',
      hint: 'Choose one, and enter it in the handler as well. Requests without it are refused.',
    },
  },
  providers: {
    ringostat: {
      about: 'Set up by yourself, in five minutes',
      steps: [
        'Open the Ringostat cabinet: Integrations → Webhooks 2.0 → Create.',
        'Incoming calls: choose the event “After call” of “Incoming call” and paste the first URL. Method POST, format JSON.',
        'Outgoing calls: one more webhook for “After call” of “Outgoing call”, with the second URL.',
        'Tick these parameters and keep their names: uniqueid, calldate, call_type, caller, caller_number, dst, disposition, duration, waittime, billsec, connected_with, employee_number, employee_fio, department, has_recording, recording, recording_wav, and those that begin with utm_.',
        'If you use Ringostat AI: one more webhook for “Call processed by AI”, with the third URL.',
        'Save, and make a test call.',
      ],
    },
    binotel: {
      about: 'Set up in the cabinet or by Binotel’s support',
      steps: [
        'Open my.binotel.ua: Integrations → API. If you do not see it, write to Binotel’s support and send them the URL.',
        'Enter the URL for API CALL COMPLETED. One URL is enough for all calls.',
        'Binotel repeats until it gets its answer, so a call is not lost while somebody changes something.',
        'Make a test call and hang up: the event comes after the end of the call.',
      ],
    },
    phonet: {
      about: 'Set up by yourself, in two minutes',
      steps: [
        'Open your Phonet: Settings (Налаштування) → Integration (Інтеграція) → “Other CRM system” («Інша система CRM»).',
        'Calls (Дзвінки) → “Transfer of full information about a call” («Передача повної інформації про дзвінок»): paste the URL.',
        'User events (Події користувача) → “Ended the call” («Завершили дзвінок»): paste the same URL.',
        'Save, and make a test call. Two messages about one call become one event.',
      ],
    },
    'stream-telecom': {
      about: 'Set up by Stream Telecom’s support',
      steps: [
        'From the address that your account is registered with, write to support@streamtele.com.',
        'Ask them to send the call events (Stream CALL API v3, Events) by POST as JSON to the URL above: Start, StartCall, Answer, Hangup and End_in.',
        'When they have confirmed it, make a test call.',
      ],
    },
    unitalk: {
      about: 'Set up by yourself, in two minutes',
      steps: [
        'Open the UniTalk cabinet: Event handling («Обробка подій») → new handler.',
        'Choose the event CALL_END, paste the URL, method POST, body “Standard JSON”.',
        'If you have chosen a secret, add the header Authorization with that secret.',
        'Save, and make a test call.',
      ],
    },
  },
  count: (count: number) => plural('en', count, { one: 'source', other: 'sources' }),
}
