import { spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { projectPath } from '../../services/shared/project-path.ts'
import { bundleSimulation } from './bundle.ts'
import { type Mutant, mutated, OTHERS, PRODUCERS, RULES } from './mutant-list.ts'

/**
 * `make mutants`: is the simulation able to see what it is there for? Each mutant is one rule of
 * the dispatcher left out, or a promise of its producer broken, in a bundle of its own; seeds run until
 * one of them violates a guarantee. `ONLY=rules` runs R1 to R5 of the rebuild, `ONLY='no grace'` one.
 */
interface Verdict {
  readonly mutant: Mutant
  /** Seeds until one violated; null: none did. */
  readonly seeds: number | null
  readonly what: string
}

const FOLDER = projectPath('.local', 'mutants')
const SEEDS_MAX = 20_000
const MEDIAN_MAX = 2_000
/** A mutant that hangs the process is no finding: told by its silence, since machines differ in speed. */
const SILENT_MS_MAX = 180_000

async function judge(mutant: Mutant, index: number): Promise<Verdict> {
  const bundle = join(FOLDER, `${index}.mjs`)
  await bundleSimulation(bundle, mutated(mutant))
  const output = await simulate(bundle)
  const [, seed, what = ''] = /^seed (\d+): (.*)$/m.exec(output) ?? []
  return {
    mutant,
    seeds: seed === undefined ? null : Number(seed),
    what: what || output.slice(-200),
  }
}

function simulate(bundle: string): Promise<string> {
  const env = { ...process.env, WORKERS: '1', FROM: '1', SEEDS: `${SEEDS_MAX}`, UNTIL: 'violation' }
  const child = spawn(process.execPath, ['--enable-source-maps', bundle], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const watch = setTimeout(() => child.kill('SIGKILL'), SILENT_MS_MAX)
  let output = ''
  const note = (bytes: Buffer) => {
    output += String(bytes)
    watch.refresh()
  }
  child.stdout.on('data', note)
  child.stderr.on('data', note)
  return new Promise((resolve) => {
    child.once('close', () => {
      clearTimeout(watch)
      resolve(output)
    })
  })
}

async function judgeAll(mutants: readonly Mutant[]): Promise<Verdict[]> {
  const verdicts: Verdict[] = []
  const waiting = [...mutants.entries()]
  const work = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const verdict = await judge(next[1], next[0])
      verdicts.push(verdict)
      print(verdict)
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, work))
  return verdicts
}

function print({ mutant, seeds, what }: Verdict): void {
  const count = seeds === null ? 'NOT CAUGHT' : `${seeds} seeds`
  console.log(`${mutant.name.padEnd(28)} ${count.padStart(12)}  ${what.slice(0, 90)}`)
}

const only = process.env['ONLY']
const all = [...RULES, ...OTHERS, ...PRODUCERS]
const mutants = only === 'rules' ? RULES : all.filter(({ name }) => !only || name === only)
// Of all: `make test` runs only some, and a line that is not there any more proves nothing.
for (const mutant of all) mutated(mutant)
const verdicts = await judgeAll(mutants)
rmSync(FOLDER, { recursive: true, force: true })
const needed = verdicts.map(({ seeds }) => seeds ?? Number.POSITIVE_INFINITY).sort((a, b) => a - b)
const median = needed[Math.floor(needed.length / 2)] ?? 0
const missed = verdicts.filter(({ seeds }) => seeds === null)
console.log(`${verdicts.length} mutants, ${missed.length} not caught, median ${median} seeds`)
process.exitCode = missed.length === 0 && median <= MEDIAN_MAX ? 0 : 1
