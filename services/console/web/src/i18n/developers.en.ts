export const developersEn = {
  title: 'Developers',
  lead: 'What your endpoint receives, and how it can be sure that it comes from us.',
  links: { api: 'API reference', openapi: 'OpenAPI document' },
  secret: {
    title: 'Signing secret',
    lead: 'Each delivery is signed with it (Standard Webhooks). Whoever has it can forge deliveries: keep it on your server.',
    label: 'The secret in force',
    reveal: 'Reveal',
    hide: 'Hide',
    rotate: 'Rotate',
    none: 'There is a signing secret as soon as you connect.',
    connect: 'Connect',
    overlap: 'The secret before is still valid until',
    confirm: {
      title: 'Rotate the signing secret?',
      action: 'Rotate',
      fresh: 'A new secret is made and shown here.',
      both: 'For 24 hours each delivery carries two signatures: of the new and of the old secret. Change your server over within that time, and nothing is refused.',
      after: 'After 24 hours only the new secret signs.',
    },
  },
  verify: {
    title: 'Verify a delivery',
    lead: 'Verify before you parse, over the body as it arrived: parsing and writing JSON again changes bytes. These snippets are run by our tests; each library for Standard Webhooks works as well.',
    languages: 'Programming language',
    after:
      'Answer 200 at once and do the work afterwards: after 5 seconds the delivery counts as failed. Remember each webhook-id and skip what you have seen: a delivery can come twice, when an answer was lost on its way.',
  },
  tools: {
    title: 'Without code',
    names: 'Tool',
    steps: {
      n8n: [
        'Add the node “Webhook”, with the HTTP method POST.',
        'Copy its Production URL (not the Test URL) and paste it in Integrations.',
        'Authentication “Header Auth”: enter its name and value with us as “header” and password. “Basic Auth” works as well.',
        'Respond: “Immediately”. Slower flows end in a timeout after 5 seconds.',
        'Activate the workflow: before that the production URL answers 404.',
      ],
      Make: [
        'Add the module “Webhooks → Custom webhook” and copy its address.',
        'If you add an API key there, enter it with us as password in the header x-make-apikey.',
        'Send a test event from Integrations, so that Make learns the fields.',
        'In the scenario’s settings turn on “Sequential processing”: without it Make may work on calls out of order.',
        'Switch the scenario on.',
      ],
      Zapier: [
        'Take “Webhooks by Zapier” with the event “Catch Hook” and copy its URL. It needs no password: whoever knows the URL may send.',
        'To verify signatures take “Catch Raw Hook”: it hands over the headers and the body as it arrived.',
        'Send a test event from Integrations and pick it in “Test”.',
        'Zapier may run several calls at the same time. Where their order matters, compare webhook-sequence.',
      ],
    },
  },
  headers: {
    title: 'Headers of a delivery',
    lead: 'Each delivery is a POST with a JSON body and these headers.',
    name: 'Header',
    example: 'Example',
    meaning: 'Meaning',
    meanings: {
      'content-type': 'The body is JSON in UTF-8.',
      'user-agent': 'Our name and version.',
      'webhook-id': 'Id of the event; the same in each attempt and in each back-fill.',
      'webhook-timestamp':
        'When this attempt was sent, in seconds since 1970. Refuse what is older than 5 minutes.',
      'webhook-signature':
        'HMAC-SHA256 over “id.timestamp.body”; two, separated by a space, while a secret is rotated.',
      'webhook-sequence':
        'Grows with each event of yours. Gaps in it are normal, also huge ones: keep it in 64 bits.',
      'webhook-attempt': 'Number of the attempt, from 1.',
      'webhook-replay': 'Only in back-fills: this event may have reached you before.',
      authorization:
        'Your password, if you have set one; instead of it a header of your choice, where you have named one.',
    },
  },
  examples: {
    title: 'Example of each event',
    lead: 'Null means that the provider did not tell. Fields may be added: ignore those you do not know.',
    kinds: 'Event kind',
    body: 'Body',
  },
}
