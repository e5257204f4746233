import { relative } from 'node:path'
import {
  PROFILE_NAMES,
  type Profile,
  profileOf,
  SERVICE_NAMES,
  type ServiceName,
} from './profiles.ts'
import {
  type Environment,
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
  const profile = profileOf('up')
  await startStack('up', { report: say })
  const env = serviceEnvironment(profile, process.env)
  for (const name of redirected(profile, process.env)) {
    say(`note: ${name} comes from your environment and does not point at this stack`)
  }
  await settleAll(SERVICE_NAMES.map((name) => startAndTell(profile, name, env)))
  console.log(whatRunsWhere(profile, env))
}

async function startAndTell(profile: Profile, name: ServiceName, env: Environment): Promise<void> {
  const service = await startService(name, env, { profile, instance: name })
  say(`the ${name} ${stateOf(service)} (process ${service.pid})`)
}

function stateOf({ alreadyRunning }: ServiceProcess): string {
  return alreadyRunning ? 'already runs, with the code and settings it was started with' : 'runs'
}

function whatRunsWhere({ folder, ports, database }: Profile, env: Environment): string {
  const rows: readonly (readonly [string, string])[] = [
    ['normalizer', `${env['NORMALIZER_PUBLIC_URL']}/hooks/{provider}/{sourceToken}`],
    ['console', `http://127.0.0.1:${env['CONSOLE_PORT']}`],
    [
      'metrics',
      ['NORMALIZER', 'DISPATCHER', 'CONSOLE']
        .map((service) => `http://127.0.0.1:${env[`${service}_TELEMETRY_PORT`]}/metrics`)
        .join('  '),
    ],
    ['Kafka', `127.0.0.1:${ports.kafka}`],
    ['schemas', `http://127.0.0.1:${ports.registry}/apis/ccompat/v7`],
    ['PostgreSQL', `127.0.0.1:${ports.postgres}, database ${database}`],
    ['logs', `${relative(process.cwd(), folder)}/logs (\`make logs\` follows them)`],
    ['stop', '`make down` keeps the data, `make clean` removes it'],
  ]
  return ['', ...rows.map(([what, where]) => `  ${what.padEnd(11)} ${where}`), ''].join('\n')
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
