import { StackError } from '../../deploy/local/stack-error.ts'
import { systemClock as clock } from '../../services/shared/clock.ts'
import { keepRunning } from './keep-running.ts'
import { renderLife } from './lane-life.ts'
import { painter } from './live-line.ts'
import { perform } from './perform.ts'
import { renderReport } from './report.ts'
import { SABOTAGES, type Sabotage } from './saboteur.ts'
import { Scene } from './scene.ts'

/**
 * `make demo`: recorded webhooks of five providers to endpoints that misbehave, judged by what
 * the endpoints saw. Exit code 0: every promise was kept; 1: one was broken, or the demo failed;
 * 130: interrupted. `KEEP=1` leaves it running, `DEMO_SABOTAGE=swap|drop` breaks a promise.
 */
const EXIT_INTERRUPTED = 130

const paint = painter(process.stdout.isTTY, process.env)
const say = (line: string) => console.log(`  ${line}`)

class Interrupted extends Error {}

async function main(): Promise<number> {
  const interrupted = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => interrupted.abort(new Interrupted(signal)))
  }
  const scene = new Scene({ sabotage: readSabotage(process.env['DEMO_SABOTAGE']), report: say })
  try {
    return await orInterrupted(interrupted.signal, play(scene, interrupted.signal))
  } catch (error) {
    await stop(scene)
    if (error instanceof Interrupted) return EXIT_INTERRUPTED
    throw error
  }
}

async function play(scene: Scene, signal: AbortSignal): Promise<number> {
  const performance = await perform(scene, { clock, signal, paint, say })
  const { told, lives } = performance
  console.log('')
  for (const life of lives) console.log(renderLife(life, paint))
  console.log(renderReport(told, paint))
  if (process.env['KEEP']) {
    await scene.leave()
    console.log(await keepRunning(performance))
  } else {
    await stop(scene)
  }
  return told.isKept ? 0 : 1
}

async function stop(scene: Scene): Promise<void> {
  say('stopping what was started …')
  await scene.stop()
}

/** Does not wait for work that nobody can interrupt; its own failure is of no interest then. */
async function orInterrupted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const interrupted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason))
  })
  return Promise.race([work, interrupted])
}

/** @throws StackError for a word that is no sabotage: an honest run would prove nothing. */
function readSabotage(word = ''): Sabotage | null {
  if (word === '') return null
  const sabotage = SABOTAGES.find((one) => one === word)
  if (sabotage) return sabotage
  throw new StackError(`DEMO_SABOTAGE=${word}: write ${SABOTAGES.join(' or ')}.`)
}

try {
  // Not by exitCode: a request that hangs on purpose would keep the process alive.
  process.exit(await main())
} catch (error) {
  console.error(error instanceof StackError ? `\n${error.message}` : error)
  process.exit(1)
}
