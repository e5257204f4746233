import { cpus } from 'node:os'
import { type DoorResult, door } from './door.ts'
import { bareLoop, type DrainResult, drain, latency, memory } from './scenarios.ts'
import { BenchWorld } from './world.ts'

/**
 * `make bench`: ratios from one run on one machine, each with its goal. Rounds alternate between
 * the bare loop and the dispatcher; medians are shown. `QUICK=1` is a smaller run.
 */
const quick = Boolean(process.env['QUICK'])
const ROUNDS = quick ? 1 : 3
const EVENTS = quick ? 40_000 : 100_000
const SLOW_EVENTS = quick ? 10_000 : 20_000
const SECONDS = quick ? 10 : 20
const WEBHOOKS = quick ? 20_000 : 60_000
const MEMORY = quick
  ? { seen: 20_000, parked: 2_000, followers: 100_000 }
  : { seen: 100_000, parked: 10_000, followers: 1_000_000 }

interface Row {
  readonly name: string
  readonly value: string
  readonly goal: string
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

async function rounds<T>(name: string, run: () => Promise<T>): Promise<T[]> {
  const results: T[] = []
  for (let round = 0; round < ROUNDS; round++) {
    results.push(await run())
    console.log(`  ${name}, round ${round + 1}: ${JSON.stringify(results.at(-1), rounded)}`)
  }
  return results
}

function rounded(_key: string, value: unknown): unknown {
  if (typeof value !== 'number') return value
  return value > 100 ? Math.round(value) : Number(value.toFixed(4))
}

async function pair(world: BenchWorld, events: number, workspaces: number, delayMs: number) {
  const options = { events, workspaces, delayMs }
  const both = await rounds(`${workspaces} workspaces, receiver ${delayMs} ms`, async () => ({
    bare: await bareLoop(world, options),
    ours: await drain(world, options),
  }))
  return {
    bare: both.map((round) => round.bare),
    ours: both.map((round) => round.ours),
    cold: median(both.map(({ bare, ours }) => ours.cold / bare.cold)),
    warm: median(both.map(({ bare, ours }) => ours.warm / bare.warm)),
  }
}

const ratio = (value: number) => value.toFixed(2)
const perSecond = (value: number) => `${Math.round(value).toLocaleString('en')}/s`

function cpuText(results: readonly DrainResult[]): string {
  const of = (part: keyof DrainResult['cpu']) =>
    median(results.map(({ cpu }) => cpu[part])).toFixed(3)
  return `dispatcher ${of('dispatcher')}, Postgres ${of('postgres')}, broker ${of('kafka')}`
}

function doorText(results: readonly DoorResult[]): string {
  const of = (part: keyof DoorResult) => median(results.map((one) => one[part]))
  const refused = results.reduce((sum, one) => sum + one.refused, 0)
  return `${perSecond(of('perSecond'))}, ${of('p99Ms').toFixed(0)} ms, ${of('cpu').toFixed(3)}, ${refused} refused`
}

async function measure(world: BenchWorld): Promise<Row[]> {
  const fast = await pair(world, EVENTS, 100, 0)
  const slow = await pair(world, SLOW_EVENTS, 100, 20)
  const sick = await rounds('10 % dead', () =>
    drain(world, { events: EVENTS, workspaces: 100, delayMs: 0, deadPercent: 10 }),
  )
  const alone = await pair(world, 10_000, 1, 0)
  const paced = { perSecond: 200, seconds: SECONDS }
  const healthy = await rounds('200/s', () => latency(world, { ...paced, sickPercent: 0 }))
  const beside = await rounds('200/s, 30 % sick', () =>
    latency(world, { ...paced, sickPercent: 30 }),
  )
  const peak = await memory(world, MEMORY)
  const doors = await rounds('normalizer', () => door(world, WEBHOOKS))
  const warm = (results: readonly { warm: number }[]) => median(results.map((one) => one.warm))
  const p = (results: readonly { p50: number; p99: number }[], key: 'p50' | 'p99') =>
    median(results.map((one) => one[key]))
  return [
    { name: '(a) bare loop, signed', value: `1.00 (${perSecond(warm(fast.bare))})`, goal: '' },
    {
      name: '(b) dispatcher ÷ bare, warm (cold)',
      value: `${ratio(fast.warm)} (${ratio(fast.cold)}), ${perSecond(warm(fast.ours))}`,
      goal: '≥ 0.8',
    },
    { name: '(c) receiver takes 20 ms', value: ratio(slow.warm), goal: '≥ 0.95' },
    {
      name: '(d) 10 % dead, per healthy workspace ÷ (b)',
      value: ratio(warm(sick) / 0.9 / warm(fast.ours)),
      goal: '≥ 0.95',
    },
    { name: '(e) CPU s per 1,000', value: cpuText(fast.ours), goal: '' },
    {
      name: '(f) accepted → received at 200/s, p50 / p99',
      value: `${p(healthy, 'p50').toFixed(1)} / ${p(healthy, 'p99').toFixed(1)} ms`,
      goal: '≤ 15 / 100 ms',
    },
    {
      name: '(g) p99 with 30 % dead or hanging ÷ none',
      value: ratio(p(beside, 'p99') / p(healthy, 'p99')),
      goal: '≤ 1.25',
    },
    {
      name: `(h) peak memory, ${MEMORY.seen} seen, ${MEMORY.parked} parked, ${MEMORY.followers} waiting`,
      value: `${peak} MiB`,
      goal: '≤ 512 MiB',
    },
    { name: '(i) one workspace ÷ bare sequential loop', value: ratio(alone.warm), goal: '≥ 0.9' },
    { name: '(j) normalizer: webhooks, p99, CPU s per 1,000', value: doorText(doors), goal: '' },
    {
      name: 'out of order, overlaps',
      value: [fast, slow, alone]
        .flatMap(({ ours }) => ours)
        .concat(sick)
        .reduce((sum, { outOfOrder, overlaps }) => sum + outOfOrder + overlaps, 0)
        .toString(),
      goal: '0',
    },
  ]
}

const world = await BenchWorld.open()
try {
  console.log(`${cpus().length} × ${cpus()[0]?.model}, Node ${process.version}, ${ROUNDS} rounds`)
  const rows = await measure(world)
  const width = Math.max(...rows.map(({ name }) => name.length))
  console.log('')
  for (const { name, value, goal } of rows) {
    console.log(`  ${name.padEnd(width)}  ${value.padEnd(44)}  ${goal}`)
  }
} finally {
  await world.close()
}
