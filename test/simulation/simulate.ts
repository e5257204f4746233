import { type ChildProcess, fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { setImmediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { runSeed } from './run-seed.ts'

/**
 * `make simulate SEEDS=100000 FROM=1` spreads the seeds over all cores and ends with 1 if one of
 * them violated a guarantee; `make simulate SEED=42` prints the timeline of one.
 */
interface Progress {
  readonly seeds: number
  readonly requests: number
  readonly violated: readonly { readonly seed: number; readonly what: string }[]
}

const BATCH = 200
const PRINTED_MAX = 20
const from = Number(process.env['FROM'] ?? 1)
const seeds = Number(process.env['SEEDS'] ?? 1_000)
const workers = Number(process.env['WORKERS'] ?? availableParallelism())
const isFirstEnough = process.env['UNTIL'] === 'violation'

async function printTimeline(seed: number): Promise<boolean> {
  const { timeline, scenario, violations } = await runSeed(seed)
  console.log(timeline.join('\n'))
  console.log(JSON.stringify(scenario, null, 1))
  console.log(violations.join('\n') || 'no violation')
  return violations.length === 0
}

/** Every `step`-th seed, so that all workers come to the hard ones at the same time. */
async function runSeeds(first: number, step: number, report: (progress: Progress) => void) {
  let batch: Progress = { seeds: 0, requests: 0, violated: [] }
  for (let seed = first; seed < from + seeds; seed += step) {
    const { requests, violations } = await outcomeOf(seed)
    const violated =
      violations.length > 0 ? [{ seed, what: violations.slice(0, 3).join('; ') }] : []
    batch = {
      seeds: batch.seeds + 1,
      requests: batch.requests + requests,
      violated: [...batch.violated, ...violated],
    }
    if (batch.seeds < BATCH && violated.length === 0) continue
    report(batch)
    if (isFirstEnough && violated.length > 0) return
    batch = { seeds: 0, requests: 0, violated: [] }
  }
  report(batch)
}

/** A broken assertion would be the end of the dispatcher: a violation like any other. */
async function outcomeOf(
  seed: number,
): Promise<{ requests: number; violations: readonly string[] }> {
  let crash: unknown = null
  const onCrash = (error: unknown) => {
    crash ??= error
  }
  process.on('unhandledRejection', onCrash)
  try {
    const { requests, violations } = await runSeed(seed)
    // A turn of the event loop: only there is a rejection told that nobody handled.
    await setImmediate()
    return { requests, violations: crash === null ? violations : [`CRASH: ${String(crash)}`] }
  } catch (error) {
    return { requests: 0, violations: [`CRASH: ${String(error)}`] }
  } finally {
    process.off('unhandledRejection', onCrash)
  }
}

/** Adds up what the workers report, and prints what they found at once. */
class Tally {
  readonly #began = Date.now()
  #seeds = 0
  #requests = 0
  #violated = 0
  #printedAt = Date.now()

  add({ seeds: more, requests, violated }: Progress): void {
    this.#seeds += more
    this.#requests += requests
    for (const { seed, what } of violated) {
      this.#violated++
      if (this.#violated > PRINTED_MAX) continue
      console.log(`seed ${seed}: ${what}`)
      console.log(`  replay it with: make simulate SEED=${seed}`)
    }
    if (Date.now() - this.#printedAt < 10_000) return
    this.#printedAt = Date.now()
    console.log(this.text)
  }

  get hasViolation(): boolean {
    return this.#violated > 0
  }

  get text(): string {
    const rate = Math.round(this.#seeds / Math.max((Date.now() - this.#began) / 1000, 0.001))
    return `${this.#seeds} seeds, ${this.#violated} violated, ${this.#requests} requests, ${rate} seeds/s`
  }
}

/** A worker that ended before its time has not proved anything. */
function isThrough(worker: ChildProcess): Promise<boolean> {
  return new Promise((resolve) => {
    worker.once('exit', (code) => resolve(code === 0))
  })
}

async function runAll(): Promise<boolean> {
  const tally = new Tally()
  if (workers === 1) {
    await runSeeds(from, 1, (progress) => tally.add(progress))
    console.log(tally.text)
    return !tally.hasViolation
  }
  const started = Array.from({ length: workers }, (_, index) => {
    const worker = fork(fileURLToPath(import.meta.url), {
      env: { ...process.env, WORKER: String(index) },
    })
    worker.on('message', (progress: Progress) => tally.add(progress))
    return isThrough(worker)
  })
  const through = await Promise.all(started)
  console.log(tally.text)
  return !tally.hasViolation && through.every(Boolean)
}

const one = process.env['SEED']
const worker = process.env['WORKER']
if (worker !== undefined) {
  await runSeeds(from + Number(worker), workers, (progress) => process.send?.(progress))
  process.disconnect()
} else if (!(one ? await printTimeline(Number(one)) : await runAll())) {
  process.exitCode = 1
}
