import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import {
  HOST,
  logFile,
  PROFILE_NAMES,
  type Profile,
  pidFile,
  profileOf,
  SERVICE_NAMES,
  type ServiceName,
  stackEnvironment,
} from './profiles.ts'
import { findPrometheus, scrapeConfig, startPrometheus, telemetryPorts } from './prometheus.ts'
import {
  type Environment,
  operatorTokenFile,
  redirected,
  type ServiceProcess,
  serviceEnvironment,
  startService,
} from './services.ts'
import { settleAll } from './settle-all.ts'
import { removeStack, startStack, stopStack } from './stack.ts'
import { StackError } from './stack-error.ts'

/** `make up`, `make down` and `make clean`. */

const COMMANDS: Readonly<Record<string, () => Promise<void>>> = { up, down, clean }

const say = (line: string) => console.log(`  ${line}`)

async function up(): Promise<void> {
  const profile = chosenProfile()
  await startStack(profile.name, { report: say })
  const env = serviceEnvironment(profile, process.env)
  for (const name of redirected(profile, process.env)) {
    say(`note: ${name} comes from your environment and does not point at this stack`)
  }
  await settleAll(SERVICE_NAMES.map((name) => startAndTell(profile, name, env)))
  const prometheus = await servePrometheus(profile, env)
  console.log(whatRunsWhere(profile, env, prometheus))
}

/** A stack with three brokers is another one, with ports and data of its own. */
function chosenProfile(): Profile {
  const brokers = process.env['BROKERS'] || '1'
  if (brokers === '1') return profileOf('up')
  if (brokers === '3') return profileOf('up-cluster')
  throw new StackError(`BROKERS is ${brokers}, but a stack has 1 broker or 3.`)
}

/** The address, or why there is none: `make up` never fails for want of it. */
async function servePrometheus(profile: Profile, env: Environment): Promise<string> {
  const programs = await findPrometheus(say)
  if ('missing' in programs) return `not served. ${programs.missing}`
  const folder = join(profile.folder, 'data', 'prometheus')
  const configFile = join(folder, 'prometheus.yml')
  mkdirSync(folder, { recursive: true })
  writeFileSync(configFile, scrapeConfig({ targets: telemetryPorts(env), everySeconds: 5 }))
  try {
    const { identity, alreadyRunning } = await startPrometheus(programs, {
      port: profile.ports.prometheus,
      configFile,
      dataDir: join(folder, 'series'),
      pidFile: pidFile(profile, 'prometheus'),
      logFile: logFile(profile, 'prometheus'),
    })
    const state = alreadyRunning ? 'already runs, with the rules it was started with' : 'runs'
    say(`Prometheus ${state} (process ${identity.pid})`)
    return `http://${HOST}:${profile.ports.prometheus}/api/v1/alerts`
  } catch (error) {
    if (!(error instanceof StackError)) throw error
    return `not served. ${error.message}`
  }
}

async function startAndTell(profile: Profile, name: ServiceName, env: Environment): Promise<void> {
  const service = await startService(name, env, { profile, instance: name })
  say(`the ${name} ${stateOf(service)} (process ${service.pid})`)
}

function stateOf({ alreadyRunning }: ServiceProcess): string {
  return alreadyRunning ? 'already runs, with the code and settings it was started with' : 'runs'
}

function whatRunsWhere(profile: Profile, env: Environment, prometheus: string): string {
  const { folder, ports, database, brokers } = profile
  const logs = brokers === 1 ? 'make logs' : `make logs BROKERS=${brokers}`
  const rows: readonly (readonly [string, string])[] = [
    ['normalizer', `${env['NORMALIZER_PUBLIC_URL']}/hooks/{provider}/{sourceToken}`],
    ['console', `http://127.0.0.1:${env['CONSOLE_PORT']}`],
    ['operator', whereTheTokenIs(profile, env)],
    [
      'metrics',
      ['NORMALIZER', 'DISPATCHER', 'CONSOLE']
        .map((service) => `http://127.0.0.1:${env[`${service}_TELEMETRY_PORT`]}/metrics`)
        .join('  '),
    ],
    ['Prometheus', prometheus],
    ['Kafka', stackEnvironment(profile).KAFKA_BROKERS],
    ['schemas', `http://127.0.0.1:${ports.registry}/apis/ccompat/v7`],
    ['PostgreSQL', `127.0.0.1:${ports.postgres}, database ${database}`],
    ['logs', `${relative(process.cwd(), folder)}/logs (\`${logs}\` follows them)`],
    ['stop', '`make down` keeps the data, `make clean` removes it'],
  ]
  return ['', ...rows.map(([what, where]) => `  ${what.padEnd(11)} ${where}`), ''].join('\n')
}

/** The caller's own token is not shown: it may be that of a real platform. */
function whereTheTokenIs(profile: Profile, env: Environment): string {
  const file = operatorTokenFile(profile)
  const isOurs = existsSync(file) && readFileSync(file, 'utf8') === env['OPERATOR_TOKEN']
  if (!isOurs) return 'the OPERATOR_TOKEN of your environment'
  return `authorization: Bearer ${env['OPERATOR_TOKEN']} (from ${relative(process.cwd(), file)})`
}

/** Of all profiles: `make demo KEEP=1` leaves its stack running, too. */
async function down(): Promise<void> {
  for (const name of PROFILE_NAMES) await stopStack(name, say)
}

async function clean(): Promise<void> {
  for (const name of PROFILE_NAMES) await removeStack(name, say)
}

async function main(): Promise<void> {
  const command = COMMANDS[process.argv[2] ?? '']
  if (!command) throw new StackError(`usage: cli.ts ${Object.keys(COMMANDS).join(' | ')}`)
  await command()
}

try {
  await main()
} catch (error) {
  console.error(error instanceof StackError ? `\n${error.message}` : error)
  process.exitCode = 1
}
