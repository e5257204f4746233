import { parseArgs } from 'node:util'
import { profileOf } from '../../deploy/local/profiles.ts'
import { findPrometheus, type PrometheusPrograms } from '../../deploy/local/prometheus.ts'
import { startStack } from '../../deploy/local/stack.ts'
import { StackError } from '../../deploy/local/stack-error.ts'
import { playScene } from './play.ts'
import { openPremises } from './premises.ts'
import type { Scene } from './scene.ts'
import { SCENES } from './scenes.ts'
import { type Ground, openSite } from './site.ts'
import { exitCodeOf, type Outcome, renderOutcome, renderTable } from './verdict.ts'

/**
 * `make drill`, or one scene of it by `SCENE=broker`: breaks one thing after the other and tells which
 * of our alerts woke somebody, after how long, and what became of the calls meanwhile. On the stack
 * of the benchmark, or on three brokers, with the rules as they are: what they wait for is what is
 * measured.
 */

const say = (line: string) => console.log(line)

type NamedScene = readonly [string, Scene]

/** On each stack those scenes that want it; one is stopped before the next starts. */
async function drill(
  chosen: readonly NamedScene[],
  programs: PrometheusPrograms,
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = []
  for (const name of new Set(chosen.map(([, { profile }]) => profile))) {
    const scenes = chosen.filter(([, { profile }]) => profile === name)
    const stack = await startStack(name, { report: say })
    try {
      const ground = { profile: profileOf(name), stack, programs }
      for (const scene of scenes) outcomes.push(await playOn(ground, scene))
    } finally {
      await stack.stop()
    }
  }
  return outcomes
}

async function playOn(ground: Ground, [name, scene]: NamedScene): Promise<Outcome> {
  say(`\n  ${name}`)
  const premises = scene.premises ? await openPremises(ground, scene.premises) : null
  try {
    const site = await openSite(name, ground, premises)
    try {
      const outcome = await playScene(name, scene, site, say)
      say(`\n${renderOutcome(outcome)}`)
      return outcome
    } finally {
      await site.close()
    }
  } finally {
    await premises?.stop()
  }
}

/** @throws with what there is to choose from. */
function chosenScenes(name: string): readonly NamedScene[] {
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
  const outcomes = await drill(chosen, programs)
  say(`\n${renderTable(outcomes)}\n`)
  process.exitCode = exitCodeOf(outcomes)
}

try {
  await main()
} catch (error) {
  console.error(error instanceof StackError ? `\n${error.message}` : error)
  process.exitCode = 1
}
