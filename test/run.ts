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

/** The part of vitest's JSON report that is read. */
interface Results {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly testResults: readonly FileResult[]
}

interface FileResult {
  readonly name: string
  /** Why the file could not be run at all; else empty. */
  readonly message: string
  readonly assertionResults: readonly {
    readonly status: string
    readonly fullName: string
    readonly failureMessages: readonly string[]
  }[]
}

const FAILURE_TEXT_MAX = 2_000
/** Of a run that failed outside of its tests: vitest prints such errors last. */
const OUTPUT_END_CHARS = 6_000
const failures: string[] = []
const RESULTS = projectPath('test-output', 'results.json')

async function step(name: string, command: readonly [string, ...string[]]): Promise<Count> {
  const { exitCode, end } = await run(name, command)
  if (exitCode !== 0) failures.push(`${name}: exit code ${exitCode}\n${end}`)
  return { passed: exitCode === 0 ? 1 : 0, failed: exitCode === 0 ? 0 : 1, skipped: 0 }
}

async function tests(name: string, projects: string): Promise<Count> {
  mkdirSync(projectPath('test-output'), { recursive: true })
  rmSync(RESULTS, { force: true })
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${RESULTS}`]
  const command = ['npx', 'vitest', 'run', `--project=${projects}`, ...reporters] as const
  const { exitCode, end } = await run(name, command)
  const { numPassedTests, numFailedTests, numPendingTests, testResults } = readResults()
  const described = testResults.flatMap(describeFailures)
  failures.push(...described)
  // A file that cannot be loaded, or an error outside of a test, fails no test but the run.
  const failed = Math.max(numFailedTests, exitCode === 0 ? 0 : 1)
  if (failed > 0 && (described.length === 0 || end.includes('Unhandled Error')))
    failures.push(`${name}: an error outside of a test\n${end}`)
  return { passed: numPassedTests, failed, skipped: numPendingTests }
}

function readResults(): Results {
  try {
    return JSON.parse(readFileSync(RESULTS, 'utf8'))
  } catch {
    return { numPassedTests: 0, numFailedTests: 1, numPendingTests: 0, testResults: [] }
  }
}

/** Repeated at the end, where a person and a log that was cut off both still have them. */
function describeFailures({ name, message, assertionResults }: FileResult): string[] {
  const failed = assertionResults.filter(({ status }) => status === 'failed')
  const texts = failed.map(
    (test) => `${test.fullName}\n${test.failureMessages.join('\n').slice(0, FAILURE_TEXT_MAX)}`,
  )
  return [...texts, ...(message ? [message.slice(0, FAILURE_TEXT_MAX)] : [])].map(
    (text) => `${name}: ${text}`,
  )
}

interface Run {
  readonly exitCode: number
  /** What it wrote last. */
  readonly end: string
}

function run(name: string, [file, ...args]: readonly [string, ...string[]]): Promise<Run> {
  console.log(`\n── ${name} ──`)
  let end = ''
  return new Promise((resolve) => {
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    const passOn = (to: NodeJS.WritableStream) => (text: string) => {
      to.write(text)
      end = `${end}${text}`.slice(-OUTPUT_END_CHARS)
    }
    child.stdout.setEncoding('utf8').on('data', passOn(process.stdout))
    child.stderr.setEncoding('utf8').on('data', passOn(process.stderr))
    child.once('error', (error) => resolve({ exitCode: 1, end: `did not start: ${error.message}` }))
    child.once('close', (code) => resolve({ exitCode: code ?? 1, end }))
  })
}

const counts = [
  await step('types', ['npm', 'run', '-s', 'types']),
  await step('lint', ['npm', 'run', '-s', 'lint']),
  await tests('tests', '!cluster'),
  // By themselves: three brokers more beside the other servers, and times are measured.
  await tests('tests on three brokers', 'cluster'),
  await step('simulation', [
    'env',
    'SEEDS=20000',
    'npx',
    'tsx',
    'test/simulation/simulate-bundled.ts',
  ]),
  await step('mutants', ['env', 'ONLY=rules', 'npx', 'tsx', 'test/simulation/mutants.ts']),
]
if (failures.length > 0) console.log(`\n── failed ──\n${failures.join('\n\n')}`)
const sum = (key: keyof Count) => counts.reduce((total, count) => total + count[key], 0)
console.log(`\n${sum('passed')} passed, ${sum('failed')} failed, ${sum('skipped')} skipped`)
process.exitCode = sum('failed') === 0 ? 0 : 1
