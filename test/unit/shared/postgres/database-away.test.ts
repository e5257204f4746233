import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isDatabaseAway } from '../../../../services/shared/postgres/pool.ts'

/**
 * What pg says by itself has no code, only words. They are read from its source, so that a new
 * version with other words fails here, and not by taking a lost connection for a bug.
 */

const AWAY = [
  'Client has encountered a connection error and is not queryable',
  'Connection terminated',
  'Connection terminated due to connection timeout',
  'Connection terminated unexpectedly',
  'Query read timeout',
  'There was an error establishing an SSL connection',
  'timeout exceeded when trying to connect',
  'timeout expired',
]

const NOT_AWAY = [
  // Ended or used by ourselves in a wrong way.
  'Called end on pool more than once',
  'Cannot use a pool after calling end on the pool',
  'Client has already been connected. You cannot reuse a client.',
  'Client was closed and is not queryable',
  'Release called on client which has already been released to the pool.',
  'unexpected condition',
  // A statement or an option that pg refuses.
  // biome-ignore lint/suspicious/noTemplateCurlyInString: as it stands in the source
  '${portalQuery} not supported in pipeline mode',
  'A query must have either text or a name. Supplying neither is unsupported.',
  'Binary mode not supported yet',
  'Client was passed a null or undefined query',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: as it stands in the source
  'Invalid sslnegotiation value: "${this.sslnegotiation}". Valid values are "postgres" and "direct".',
  'Passing a function as the first parameter to pool.query is not supported',
  'Password must be a string',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: as it stands in the source
  "Prepared statements must be unique - '${this.name}' was used for a different statement",
  'Query values must be an array',
  'callback is not a function',
  'circular reference detected while preparing "',
  'sslnegotiation=direct requires SSL to be enabled',
  // A server with other settings than ours: waiting does not change them.
  'The server does not support SSL connections',
  'Unknown authenticationOk message type ',
]

/** Whatever they go on with: a log-in (with its buffers) and a server that breaks the protocol. */
const NOT_AWAY_BEGINNINGS = [
  'SASL',
  'Received unexpected ',
  'Buffer',
  'first argument must be a Buffer',
  'second argument must be a Buffer',
]

/** What has no words at hand is taken as it stands, so that it is seen below. */
const ERROR = /new \w*Error\(\s*(?:'([^']*)'|"([^"]*)"|`([^`]*)`|([^)]*))/g

/** What it gives as a code, and Node's codes that it knows itself. */
const CODE = /(?:\.code\s*={1,3}\s*|\bcode:\s*)([^\s,;)]+)/g

function messagesOfPg(): string[] {
  return findInPg(ERROR)
}

function findInPg(pattern: RegExp): string[] {
  const ours = createRequire(import.meta.url)
  const pg = ours.resolve('pg')
  // Those that pg itself uses.
  const { resolve } = createRequire(pg)
  const files = [pg, resolve('pg-pool'), resolve('pg-protocol')].flatMap(sourcesBeside)
  const found = files.flatMap((file) => [...readFileSync(file, 'utf8').matchAll(pattern)])
  return [...new Set(found.map((match) => match.slice(1).join('')))]
}

function sourcesBeside(entry: string): string[] {
  const folder = dirname(entry)
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /(?<!\.test)\.c?js$/.test(name) && !name.includes('node_modules'))
    .map((name) => join(folder, name))
}

const hasKnownBeginning = (message: string) =>
  NOT_AWAY_BEGINNINGS.some((beginning) => message.startsWith(beginning))

const coded = (code: string) => Object.assign(new Error('words'), { code })

describe('a failure of Postgres', () => {
  it('has been judged, whatever the installed version of pg can say', () => {
    const said = messagesOfPg().filter((message) => !hasKnownBeginning(message))

    expect(said.toSorted()).toEqual([...AWAY, ...NOT_AWAY].toSorted())
  })

  it('has no code of pg itself: they are those of the server and of Node', () => {
    expect(findInPg(CODE).toSorted()).toEqual(["'ECONNRESET'", "'EPIPE'", 'fields.C'])
  })

  it('is told from a mistake of ours by the words of pg', () => {
    const away = messagesOfPg().filter((message) => isDatabaseAway(new Error(message)))

    expect(away.toSorted()).toEqual(AWAY)
  })

  it.each([
    ['08006', 'the connection failed'],
    ['08P01', 'PgBouncer cannot reach the server'],
    ['25006', 'it takes no writes: a replica, or told to be read-only'],
    ['3D000', 'it was dropped, and a restore puts it back'],
    ['53100', 'its disk is full'],
    ['53300', 'too many connections'],
    ['57014', 'the statement took too long'],
    ['57P01', 'an administrator ended the connection'],
    ['57P02', 'another process of it crashed'],
    ['57P03', 'it starts'],
    ['57P05', 'the connection was idle for too long'],
    ['58030', 'its disk fails'],
    ['ECONNREFUSED', 'nobody listens'],
    ['ECONNRESET', 'cut'],
    ['EPIPE', 'cut before we wrote'],
    ['ETIMEDOUT', 'no answer'],
    ['EHOSTUNREACH', 'no way to the host'],
    ['ENETUNREACH', 'no way to its network'],
    ['ENOTFOUND', 'no such name now'],
    ['EAI_AGAIN', 'no answer of the name server'],
  ])('with %s means that it is away: %s', (code) => {
    expect(isDatabaseAway(coded(code))).toBe(true)
  })

  it.each([
    ['22021', 'bytes that are no text'],
    ['23505', 'a constraint'],
    ['28P01', 'a wrong password'],
    ['42501', 'a missing right'],
    ['42P01', 'a missing table'],
    ['55P03', 'a lock that did not come'],
    ['XX000', 'a bug of the server'],
    ['XX001', 'a damaged page'],
    ['ENOENT', 'a missing file'],
  ])('with %s is an answer: %s', (code) => {
    expect(isDatabaseAway(coded(code))).toBe(false)
  })
})
