import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { projectPath } from '../services/shared/project-path.ts'

/**
 * `make test`: types, lint and all tests, each step whatever the one before said, and at the end
 * one line that a person and a machine can read: `N passed, N failed`. A step that is no test run
 * counts as one; a test run that broke before it could count counts as one failure.
 */
interface Count {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

const RESULTS = projectPath('test-output', 'results.json')

async function step(name: string, command: readonly [string, ...string[]]): Promise<Count> {
  const exitCode = await run(name, command)
  return { passed: exitCode === 0 ? 1 : 0, failed: exitCode === 0 ? 0 : 1, skipped: 0 }
}

async function tests(): Promise<Count> {
  mkdirSync(projectPath('test-output'), { recursive: true })
  rmSync(RESULTS, { force: true })
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${RESULTS}`]
  const exitCode = await run('tests', ['npx', 'vitest', 'run', ...reporters])
  const { numPassedTests, numFailedTests, numPendingTests } = readResults()
  // A file that cannot be loaded, or an error outside of a test, fails no test but the run.
  const failed = Math.max(numFailedTests, exitCode === 0 ? 0 : 1)
  return { passed: numPassedTests, failed, skipped: numPendingTests }
}

function readResults(): Record<'numPassedTests' | 'numFailedTests' | 'numPendingTests', number> {
  try {
    return JSON.parse(readFileSync(RESULTS, 'utf8'))
  } catch {
    return { numPassedTests: 0, numFailedTests: 1, numPendingTests: 0 }
  }
}

function run(name: string, [file, ...args]: readonly [string, ...string[]]): Promise<number> {
  console.log(`\n── ${name} ──`)
  return new Promise((resolve) => {
    const child = spawn(file, args, { stdio: ['ignore', 'inherit', 'inherit'] })
    child.once('error', (error) => {
      console.error(`${file} did not start: ${error.message}`)
      resolve(1)
    })
    child.once('exit', (code) => resolve(code ?? 1))
  })
}

const counts = [
  await step('types', ['npm', 'run', '-s', 'types']),
  await step('lint', ['npm', 'run', '-s', 'lint']),
  await tests(),
  await step('simulation', ['env', 'SEEDS=20000', 'npx', 'tsx', 'test/simulation/simulate.ts']),
  await step('mutants', ['env', 'ONLY=rules', 'npx', 'tsx', 'test/simulation/mutants.ts']),
]
const sum = (key: keyof Count) => counts.reduce((total, count) => total + count[key], 0)
console.log(`\n${sum('passed')} passed, ${sum('failed')} failed, ${sum('skipped')} skipped`)
process.exitCode = sum('failed') === 0 ? 0 : 1
