import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod'
import { VERSION } from '../shared/user-agent.ts'
import type { ConsoleApp } from './console-app.ts'

/** OpenAPI from the schemas that check requests and answers, and a page (`/docs`) that shows it. */
export async function describeApi(app: ConsoleApp): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Call Webhook',
        description: 'Workspaces, sources of calls, and the connection their events are posted to.',
        version: VERSION,
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      // Wherever the document was read from, which also keeps `/docs` within `connect-src 'self'`.
      servers: [{ url: '/' }],
      tags: TAGS.map(([name, description]) => ({ name, description })),
      components: {
        securitySchemes: {
          token: {
            type: 'http',
            scheme: 'bearer',
            description: 'Of the workspace, or the operator’s.',
          },
          session: {
            type: 'apiKey',
            in: 'cookie',
            name: 'call_webhook_session',
            description: 'Of a signed-in browser (with https: `__Host-call_webhook_session`).',
          },
        },
      },
      security: [{ token: [] }, { session: [] }],
    },
    transform: jsonSchemaTransform,
    transformObject: (document) => withoutUnused(jsonSchemaTransformObject(document)),
  })
  // No policy of its own: it works under the console's, which allows nothing inline either.
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    uiConfig: { validatorUrl: null, layout: 'BaseLayout' },
    theme: { title: 'Call Webhook API' },
  })
}

const TAGS = [
  ['workspaces', 'Customers of the platform, their tokens and sign-in links.'],
  ['session', 'Signing a browser in and out.'],
  ['sources', 'Where calls come from: a webhook URL at a provider.'],
  ['connection', 'Where events go: the customer’s endpoint.'],
  ['deliveries', 'What was sent, what waits, and why.'],
  ['recovery', 'Gaps, dead letters and back-fills.'],
  ['calls', 'Events straight from the log.'],
] as const

type Document = ReturnType<typeof jsonSchemaTransformObject>

/** Each named schema comes in two forms, of which an API that only answers with it uses one. */
function withoutUnused(document: Document): Document {
  const schemas = ('components' in document ? document.components?.schemas : undefined) ?? {}
  const text = JSON.stringify(document)
  for (const name of Object.keys(schemas)) {
    if (!text.includes(`"#/components/schemas/${name}"`)) delete schemas[name]
  }
  return document
}
