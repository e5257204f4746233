import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DateTime } from 'luxon'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import type { Found } from '../../deploy/local/found.ts'
import type { CallEvent } from '../../services/shared/call-event.ts'
import { partitionOfKey } from '../../services/shared/kafka/partitioner.ts'
import { projectPath } from '../../services/shared/project-path.ts'
import { kafkaConfigOf } from '../support/event-log.ts'
import {
  NEWER_FIELD,
  NEWER_STATUS,
  type RecordedLog,
  writeRecordedLog,
} from '../support/readers/recorded-log.ts'
import {
  type Command,
  prepareJvm,
  prepareKcat,
  preparePython,
  printed,
  script,
} from '../support/readers/tools.ts'
import { freshPrefix, testStack } from '../support/stack.ts'

/**
 * The stream is for others, too: what they read with clients that know nothing of our code has to be
 * what we wrote. What runs here is what `schemas/README.md` hands out.
 */

const INSTALL_WITHIN_MS = 300_000
const PARTITIONS = 3
const OWN_COPY = projectPath('schemas', 'avro', 'call-event.avsc')

let log: RecordedLog
let env: Record<string, string>
let tools: Record<'python' | 'java' | 'kcat', Found<Command>>

beforeAll(async () => {
  // Downloads for the most part: side by side they take as long as the longest.
  const prepared = Promise.all([preparePython(), prepareJvm(), prepareKcat()])
  env = {
    ...testStack().env,
    TOPIC_PREFIX: freshPrefix(),
    TOPIC_PARTITIONS: String(PARTITIONS),
  }
  log = await writeRecordedLog(kafkaConfigOf(env))
  const [python, java, kcat] = await prepared
  tools = { python, java, kcat }
}, INSTALL_WITHIN_MS)
afterAll(() => log?.stop())

function requireTool(name: keyof typeof tools, skip: (note: string) => void): Command | null {
  const tool = tools[name]
  if (!('missing' in tool)) return { ...tool, env: { ...tool.env, ...env } }
  console.warn(`Skipped, since a tool cannot be had: ${tool.missing}`)
  skip(tool.missing)
  return null
}

const lineShape = z.looseObject({
  eventId: z.string(),
  workspaceId: z.string(),
  client: z.record(z.string(), z.unknown()),
  agent: z.record(z.string(), z.unknown()),
  log: z.object({ partition: z.number(), offset: z.number(), acceptedAt: z.number() }).optional(),
})
type Line = z.infer<typeof lineShape>

function linesOf(text: string): readonly Line[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => lineShape.parse(JSON.parse(line)))
}

function inAvro(event: CallEvent): Record<string, unknown> {
  return {
    ...event,
    event: event.event.replace('.', '_'),
    provider: event.provider.replace('-', '_'),
  }
}

/** With every field that the readers' schema has: the newest one, or the committed copy. */
function withNewerField(event: CallEvent): Record<string, unknown> {
  return { [NEWER_FIELD]: null, ...inAvro(event) }
}

function asOwnCopy(event: CallEvent): Record<string, unknown> {
  const { [NEWER_FIELD]: _unknownField, ...known } = inAvro(event)
  return known['status'] === NEWER_STATUS ? { ...known, status: 'unknown' } : known
}

/** Each workspace's events in their order; between workspaces there is none. */
function byWorkspace<T extends { workspaceId?: unknown }>(events: readonly T[]) {
  const ids = new Set(events.map(({ workspaceId }) => workspaceId))
  return new Map([...ids].map((id) => [id, events.filter(({ workspaceId }) => workspaceId === id)]))
}

function withoutPlace({ log: _place, ...event }: Line): Omit<Line, 'log'> {
  return event
}

describe('Python', () => {
  function dump(python: Command, ...options: string[]): Promise<string> {
    const { events } = log.names
    const names = ['--topic', events, '--subject', `${events}-value`]
    return printed(python, [script('python', 'dump_events.py'), ...names, ...options])
  }

  it('dumps each event once, in order per workspace, whichever version wrote it', async ({
    skip,
  }) => {
    const python = requireTool('python', skip)
    if (!python) return

    const lines = linesOf(await dump(python))

    expect(log.records).toBeGreaterThan(log.events.length)
    expect(byWorkspace(lines.map(withoutPlace))).toEqual(
      byWorkspace(log.events.map(withNewerField)),
    )
  })

  it('dumps a range of log times of one workspace, out of the one partition that holds it', async ({
    skip,
  }) => {
    const python = requireTool('python', skip)
    if (!python) return
    const all = linesOf(await dump(python, '--workspace', 'lviv'))
    const times = [...new Set(all.map((line) => line.log?.acceptedAt ?? 0))]
    const until = times.at(-1) ?? 0

    const earlier = linesOf(
      await dump(python, '--workspace', 'lviv', '--until', new Date(until).toISOString()),
    )
    const later = linesOf(
      await dump(python, '--workspace', 'lviv', '--since', new Date(until).toISOString()),
    )

    const expected = log.events.filter(({ workspaceId }) => workspaceId === 'lviv')
    expect(all.map(({ eventId }) => eventId)).toEqual(expected.map(({ eventId }) => eventId))
    expect(new Set(all.map((line) => line.log?.partition))).toEqual(
      new Set([partitionOfKey('lviv', PARTITIONS)]),
    )
    expect(earlier).toEqual(all.filter((line) => (line.log?.acceptedAt ?? 0) < until))
    expect(earlier.length).toBeGreaterThan(0)
    expect(later.length).toBeGreaterThan(0)
    expect(new Set([...earlier, ...later].map(({ eventId }) => eventId))).toEqual(
      new Set(all.map(({ eventId }) => eventId)),
    )
  })

  it('reads with its own copy what a newer normalizer wrote, and leaves out what is personal', async ({
    skip,
  }) => {
    const python = requireTool('python', skip)
    if (!python) return

    const text = await dump(python, '--own-schema', OWN_COPY, '--drop-personal')

    const found = linesOf(text).find(({ eventId }) => eventId === log.newer.eventId)
    expect(found).toMatchObject({ status: 'unknown', client: { isNew: false }, agent: {} })
    expect(found).not.toHaveProperty(NEWER_FIELD)
    expect(linesOf(text)).toHaveLength(log.events.length)
    // Of records, too, whose writer had no marks.
    for (const { client, agent, ...event } of linesOf(text)) {
      expect([Object.keys(client ?? {}), agent]).toEqual([['isNew'], {}])
      for (const name of ['caller', 'callee', 'recordingUrl', 'transcript']) {
        expect(event).not.toHaveProperty(name)
      }
    }
    const urls = log.events.flatMap(({ recordingUrl }) => recordingUrl ?? [])
    expect(urls.filter((url) => text.includes(url))).toEqual([])
    expect(urls.length).toBeGreaterThan(0)
  })

  it('reads dead letters like events, and says which one is none', async ({ skip }) => {
    const python = requireTool('python', skip)
    if (!python) return
    const { deadLetter, events } = log.names
    const names = ['--topic', deadLetter, '--subject', `${events}-value`]

    const reading = printed(python, [script('python', 'dump_events.py'), ...names])

    await expect(reading).rejects.toMatchObject({
      code: 1,
      stdout: expect.stringContaining(log.dead.eventId),
      stderr: expect.stringMatching(/partition \d, offset 0: no event/),
    })
  })

  it('follows the log in a group of its own, and goes on where it was stopped', async ({
    skip,
  }) => {
    const python = requireTool('python', skip)
    if (!python) return
    const [again] = log.events
    if (!again) throw new Error('an empty log')

    const first = await follow(python, log.records)
    await log.append(again)
    const second = await follow(python, 1)

    expect(new Set(first)).toEqual(new Set(log.events.map(({ eventId }) => eventId)))
    expect(second).toEqual([again.eventId])
  })

  /** Ids of the next events of team-x; ends the follower in good order once it has that many. */
  async function follow({ file, args, env: own }: Command, count: number): Promise<string[]> {
    const { events } = log.names
    const names = ['--topic', events, '--subject', `${events}-value`, '--group', `${events}.team-x`]
    const follower = spawn(file, [...args, script('python', 'follow_events.py'), ...names], {
      env: { ...process.env, ...own },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    onTestFinished(() => void follower.kill('SIGKILL'))
    const found: string[] = []
    for await (const line of createInterface({ input: follower.stdout })) {
      found.push(...linesOf(line).map(({ eventId }) => eventId))
      if (found.length === count) follower.kill('SIGTERM')
    }
    return found
  }
})

describe('DuckDB', () => {
  it('counts missed calls per hour and provider over a dump, and draws them', async ({ skip }) => {
    const python = requireTool('python', skip)
    if (!python) return
    const folder = mkdtempSync(join(tmpdir(), 'missed-calls-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const { events } = log.names
    const names = ['--topic', events, '--subject', `${events}-value`]
    const dump = await printed(python, [script('python', 'dump_events.py'), ...names])
    writeFileSync(join(folder, 'events.ndjson'), dump)

    // Hours are Kyiv's, wherever the analyst sits.
    const elsewhere = { ...python, env: { ...python.env, TZ: 'Asia/Tokyo' } }
    const csv = await printed(
      elsewhere,
      [script('duckdb', 'plot_missed_calls.py'), 'm.png'],
      folder,
    )

    expect(csv.trim().split('\n')).toEqual(['hour,provider,inbound,missed', ...missedPerHour()])
    expect(readFileSync(join(folder, 'm.png')).subarray(1, 4).toString()).toBe('PNG')
  })

  function missedPerHour(): readonly string[] {
    const completed = log.events.filter(
      ({ event, direction, startedAt }) =>
        event === 'call.completed' && direction === 'inbound' && startedAt !== null,
    )
    const calls = new Map(completed.map((event) => [event.callId, event])).values()
    const inbound = new Map<string, CallEvent[]>()
    for (const call of calls) {
      const began = DateTime.fromISO(call.startedAt ?? '', { zone: 'Europe/Kyiv' }).startOf('hour')
      const row = `${began.toFormat('yyyy-MM-dd HH:mm:ss')},${call.provider.replace('-', '_')}`
      inbound.set(row, [...(inbound.get(row) ?? []), call])
    }
    return [...inbound]
      .map(([row, found]) => {
        const missed = found.filter(({ status }) => status === 'missed').length
        return `${row},${found.length},${missed}`
      })
      .toSorted()
  }
})

describe('Java', () => {
  it('reads each event once, in order per workspace, with its own copy of the schema', async ({
    skip,
  }) => {
    const java = requireTool('java', skip)
    if (!java) return
    const { KAFKA_BROKERS = '', SCHEMA_REGISTRY_URL = '' } = env

    const text = await printed(java, [
      KAFKA_BROKERS,
      SCHEMA_REGISTRY_URL,
      log.names.events,
      OWN_COPY,
    ])

    const expected = log.events.map((event) => inMillis(asOwnCopy(event)))
    expect(byWorkspace(linesOf(text))).toEqual(byWorkspace(expected))
  })

  function inMillis(event: Record<string, unknown>): Record<string, unknown> {
    const times = ['startedAt', 'answeredAt', 'endedAt'].map((name) => {
      const time = event[name]
      return [name, typeof time === 'string' ? Date.parse(time) : time]
    })
    return { ...event, ...Object.fromEntries(times) }
  }
})

describe('kcat', () => {
  it('shows where each event lies, whose it is and which schema wrote it', async ({ skip }) => {
    const kcat = requireTool('kcat', skip)
    if (!kcat) return

    const lines = (await printed(kcat, ['places'])).trim().split('\n')

    const places = lines.map((line) => line.split(' '))
    expect(lines.length).toBeGreaterThanOrEqual(log.records)
    for (const [partition, , , workspace = '', schemaId] of places) {
      expect(Number(partition)).toBe(partitionOfKey(workspace, PARTITIONS))
      expect(log.schemaIds).toContain(Number(schemaId))
    }
    const ends = (await printed(kcat, ['ends'])).trim().split('\n')
    expect(ends).toHaveLength(PARTITIONS)
    expect(ends.map((line) => Number(line.split(' ').at(-1))).reduce((sum, end) => sum + end)).toBe(
      lines.length,
    )
  })

  it('shows why an event is dead and why a request was kept raw', async ({ skip }) => {
    const kcat = requireTool('kcat', skip)
    if (!kcat) return

    const dead = await printed(kcat, ['dead-letters'])
    const rejected = await printed(kcat, ['rejected'])

    expect(dead).toMatch(
      new RegExp(`${log.dead.workspaceId} dead-reason=rejected,dead-attempts=3,`),
    )
    expect(rejected).toMatch(/reason=unrecognized,detail=requestType,provider=binotel/)
    expect(rejected).toContain('{"requestType": "Їжак"}')
    expect(rejected).not.toContain('src_secret')
  })
})
