import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { readBody } from '../../services/normalizer/body-reader.ts'
import type {
  Json,
  JsonObject,
  Provider,
  ProviderRequest,
  SourceContext,
} from '../../services/normalizer/providers/provider.ts'
import { providers } from '../../services/normalizer/providers/registry.ts'
import { PROVIDER_NAMES, type ProviderName } from '../../services/shared/call-event.ts'
import { projectPath } from '../../services/shared/project-path.ts'

/**
 * Recorded requests of providers, `test/fixtures/providers/<provider>/<case>/`:
 *
 * - `request.json`: one request, or a list where a call is told in parts. `body` is the raw text
 *   as it came over the wire; `settings`, `timezone` and `defaultCountry` describe the source.
 * - `expected.json`: the verdicts of all requests, in order; only `detail` is not compared.
 * - `merged.json`, for a call told in parts: the facts that its legs make in any order.
 */
export interface ProviderFixture {
  readonly provider: ProviderName
  readonly name: string
  readonly requests: readonly FixtureRequest[]
  readonly expected: readonly JsonObject[]
  readonly merged: JsonObject | null
}

const json: z.ZodType<Json> = z.json()
const jsonObject = z.record(z.string(), json)

/** When a request was received, for the many mappings that do not care. */
export const RECEIVED_AT = '2026-11-24T12:00:00Z'

/** Strict, so that a misspelt key does not silently test something else. */
const fixtureRequest = z.strictObject({
  method: z.enum(['GET', 'POST']).default('POST'),
  eventPath: z.string().default(''),
  headers: z.record(z.string(), z.string()).default({}),
  query: jsonObject.default({}),
  body: z.string().default(''),
  settings: jsonObject.default({}),
  timezone: z.string().default('Europe/Kyiv'),
  defaultCountry: z.string().default('UA'),
  receivedAt: z.iso.datetime().default(RECEIVED_AT),
})

export type FixtureRequest = z.infer<typeof fixtureRequest>

const FOLDER = projectPath('test/fixtures/providers')

export function providerFixtures(): readonly ProviderFixture[] {
  return PROVIDER_NAMES.filter((provider) => existsSync(join(FOLDER, provider))).flatMap(
    (provider) =>
      readdirSync(join(FOLDER, provider))
        .toSorted()
        .map((name) => readFixture(provider, name)),
  )
}

function readFixture(provider: ProviderName, name: string): ProviderFixture {
  const read = (file: string): unknown =>
    JSON.parse(readFileSync(join(FOLDER, provider, name, file), 'utf8'))
  const isSession = existsSync(join(FOLDER, provider, name, 'merged.json'))
  return {
    provider,
    name,
    requests: z.array(fixtureRequest).parse([read('request.json')].flat()),
    expected: z.array(jsonObject).parse(read('expected.json')),
    merged: isSession ? jsonObject.parse(read('merged.json')) : null,
  }
}

export function providerOf(name: ProviderName): Provider<unknown> {
  return providers[name]
}

export function sourceOf(
  fixture: ProviderFixture,
  request: FixtureRequest,
): SourceContext<unknown> {
  return {
    settings: providerOf(fixture.provider).settings.parse(request.settings),
    timezone: request.timezone,
    defaultCountry: request.defaultCountry,
  }
}

/** The request as the normalizer would hand it over. */
export function providerRequest(request: FixtureRequest): ProviderRequest {
  const read = readBody(Buffer.from(request.body), request.headers['content-type'])
  if (read.kind !== 'parsed') throw new Error(`the fixture's body is ${read.kind}: ${read.detail}`)
  return {
    method: request.method,
    eventPath: request.eventPath,
    headers: request.headers,
    query: request.query,
    body: read.body,
    receivedAt: Date.parse(request.receivedAt),
  }
}
