import { parseArgs } from 'node:util'
import { findPrometheus, type PrometheusPrograms } from '../../deploy/local/prometheus.ts'
import { type Stack, startStack } from '../../deploy/local/stack.ts'
import { StackError } from '../../deploy/local/stack-error.ts'
import { playScene } from './play.ts'
import { SCENES, type Scene } from './scenes.ts'
import { openSite } from './site.ts'
import { exitCodeOf, type Outcome, renderOutcome, renderTable } from './verdict.ts'

/**
 * `make drill`, or one scene of it by `SCENE=broker`: breaks one thing after the other and tells which
 * of our alerts woke somebody, after how long, and what became of the calls meanwhile. On the stack
 * of the benchmark, with the rules as they are: what they wait for is what is measured.
 */

const say = (line: string) => console.log(line)

async function drill(
  chosen: readonly (readonly [string, Scene])[],
  stack: Stack,
  programs: PrometheusPrograms,
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = []
  for (const [name, scene] of chosen) {
    say(`\n  ${name}`)
    const site = await openSite(name, stack, programs)
    try {
      const outcome = await playScene(name, scene, site, say)
      outcomes.push(outcome)
      say(`\n${renderOutcome(outcome)}`)
    } finally {
      await site.close()
    }
  }
  return outcomes
}

/** @throws with what there is to choose from. */
function chosenScenes(name: string): readonly (readonly [string, Scene])[] {
  const scenes = Object.entries(SCENES).filter(([each]) => name === '' || each === name)
  if (scenes.length > 0) return scenes
  throw new StackError(
    `There is no scene '${name}'. Choose one of: ${Object.keys(SCENES).join(', ')}.`,
  )
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { scene: { type: 'string', default: '' } } })
  const chosen = chosenScenes(values.scene)
  const programs = await findPrometheus(say)
  if ('missing' in programs) {
    throw new StackError(`A drill without alerts shows nothing. ${programs.missing}.`)
  }
  const stack = await startStack('bench', { report: say })
  try {
    const outcomes = await drill(chosen, stack, programs)
    say(`\n${renderTable(outcomes)}\n`)
    process.exitCode = exitCodeOf(outcomes)
  } finally {
    await stack.stop()
  }
}

try {
  await main()
} catch (error) {
  console.error(error instanceof StackError ? `\n${error.message}` : error)
  process.exitCode = 1
}
