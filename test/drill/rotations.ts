import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { requireAccess } from '../../services/shared/kafka/access.ts'
import { projectPath } from '../../services/shared/project-path.ts'
import { aclsOf, readPageCommands } from '../support/page-commands.ts'
import type { Program, Shell } from '../support/page-shell.ts'
import { type Rotation, runRotation } from '../support/rotation-page.ts'
import { changeUser } from '../support/scram-users.ts'
import { startOperator } from './operator.ts'
import type { Premises, Staffed } from './premises.ts'
import type { Scene, Tell } from './scene.ts'
import type { Site } from './site.ts'
import { refusedBy } from './waits.ts'

/**
 * Each secret is changed by the commands of the page "Change a secret", while calls come and go. What
 * was good before is tried afterwards: a change that leaves the old one good was none.
 */

/** The rates of the rules have seen what a replaced process does by then. */
const LOOKED_AT_FOR_MS = 60_000

interface Change {
  readonly rotation: Rotation
  readonly kafka?: 'open' | 'documented'
  /** What the page takes for granted. */
  prepare?(place: Place): Promise<void>
  /** Around the commands: what somebody does meanwhile, and what is not good any more afterwards. */
  during?(place: Place, shell: Shell): Promise<void>
}

interface Place extends Staffed {
  readonly site: Site
  readonly premises: Premises
  readonly tell: Tell
}

function sceneOf({
  rotation,
  kafka = 'open',
  prepare,
  during = withCommands(rotation),
}: Change): Scene {
  return {
    profile: 'bench',
    broken: `${rotation} changed`,
    expected: {
      kind: 'no page',
      because: 'old and new are both good until the last process has the new one',
      refusedMax: 0,
    },
    repairedAfterMs: LOOKED_AT_FOR_MS,
    premises: { kafka },
    async break(site, tell) {
      const { premises, staffed } = site
      if (premises === null || staffed === null) throw new Error('nobody here can be replaced')
      const place = { site, premises, tell, ...staffed }
      const [since, refusedBefore] = [Date.now(), refusedBy(site.senders.all)]
      await prepare?.(place)
      await inFolder((folder) => during(place, shellOf(place, folder)))
      const refused = refusedBy(site.senders.all) - refusedBefore
      tell(`changed after ${Math.round((Date.now() - since) / 1_000)} s, ${refused} refused`)
      return { repair: async () => {} }
    },
  }
}

function withCommands(rotation: Rotation) {
  return (_place: Place, shell: Shell) => runRotation(rotation, shell)
}

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'rotation-'))
  try {
    await work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function shellOf({ premises, cluster, tell }: Place, folder: string): Shell {
  const { kafka, stack } = premises
  const programs = {
    kubectl: told(cluster.kubectl, tell),
    psql,
    ...(kafka && { 'kafka-configs.sh': kafkaConfigs(kafka.secure.controller) }),
  }
  return { folder, env: { ADMIN_URL: stack.DATABASE_URL, ADMIN: '' }, programs }
}

/** What a program of ours says goes into the report. */
function told(kubectl: Program, tell: Tell): Program {
  return async (words) => {
    const answer = await kubectl(words)
    if (words.includes('exec')) tell(`exit code ${answer.exitCode}: ${lastLine(answer.stdout)}`)
    return answer
  }
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? ''
}

const psql: Program = async (words) => {
  const { values, positionals } = parseArgs({
    args: [...words],
    options: { command: { type: 'string', multiple: true, default: [] } },
    allowPositionals: true,
  })
  const client = new pg.Client({ connectionString: positionals[0] ?? '' })
  await client.connect()
  try {
    for (const command of values.command) await client.query(command)
  } finally {
    await client.end()
  }
  return { stdout: '' }
}

function kafkaConfigs(controller: string): Program {
  return async (words) => {
    await changeUser(controller, words)
    return { stdout: '' }
  }
}

const secretsKey = sceneOf({ rotation: 'SECRETS_KEY' })

const operatorToken = sceneOf({
  rotation: 'OPERATOR_TOKEN',
  async during({ premises, cluster, tell }, shell) {
    const tokenNow = () => cluster.secretsOf('console')['OPERATOR_TOKEN'] ?? ''
    const before = tokenNow()
    const operator = startOperator(premises.consoleUrl, before)
    // The second block takes the old one away: by then the programs of the platform have the new one.
    const beforeBlock = async (index: number) => {
      if (index === 1) operator.goOverTo(tokenNow())
    }
    try {
      await runRotation('OPERATOR_TOKEN', { ...shell, beforeBlock })
    } finally {
      await operator.stop()
    }
    const { asked, refused } = operator
    tell(`${asked} requests of the operator meanwhile, ${refused.length} refused: ${refused}`)
    const old = await operator.statusWith(before)
    if (refused.length > 0 || old !== 401) throw new Error(`refused: ${refused}; old token: ${old}`)
  },
})

const postgresPassword = sceneOf({
  rotation: 'the Postgres password',
  async during({ premises, tell }, shell) {
    await runRotation('the Postgres password', shell)
    const refusal = await refusalOf(premises.databaseUrl)
    tell(`the password before is refused: ${refusal}`)
    if (refusal !== '28P01') throw new Error('the password before still opens the database')
  },
})

/** SQLSTATE; null: whoever has this URL gets in. */
async function refusalOf(databaseUrl: string): Promise<string | null> {
  const client = new pg.Client({ connectionString: databaseUrl })
  try {
    await client.connect()
    return null
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  } finally {
    await client.end()
  }
}

const kafkaUser = sceneOf({
  rotation: 'a Kafka user',
  kafka: 'documented',
  async prepare({ premises: { kafka } }) {
    // "Run them with `SUFFIX=-b`, once."
    await kafka?.admin.createAcls({ acl: readPageCommands('-b').acls.flatMap(aclsOf) })
  },
  async during({ premises: { kafka }, tell }, shell) {
    await runRotation('a Kafka user', shell)
    const config = kafka?.configOf('normalizer')
    const isIn =
      config &&
      (await requireAccess(config, 'drill').then(
        () => true,
        () => false,
      ))
    tell(`the user before is ${isIn ? 'still let in' : 'refused'}`)
    if (isIn !== false) throw new Error('the user before is still let in')
  },
})

const certificate = sceneOf({
  rotation: 'a certificate',
  kafka: 'documented',
  async during(_place, shell) {
    const fixture = (name: string) => projectPath('test/fixtures/tls', name)
    copyFileSync(fixture('self-signed.cert.pem'), join(shell.folder, 'clients-ca.pem'))
    copyFileSync(fixture('self-signed.key.pem'), join(shell.folder, 'clients-ca.key'))
    await runRotation('a certificate', shell)
  },
})

export const ROTATION_SCENES: Readonly<Record<string, Scene>> = {
  'rotate-secrets-key': secretsKey,
  'rotate-operator-token': operatorToken,
  'rotate-postgres': postgresPassword,
  'rotate-kafka-user': kafkaUser,
  'rotate-certificate': certificate,
}
