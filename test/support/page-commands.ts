import { execFileSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import kafkajs, { type AclEntry } from 'kafkajs'
import type { TopicSpec } from '../../services/shared/kafka/topic-spec.ts'
import { projectPath } from '../../services/shared/project-path.ts'
import { blocksOf } from './page-shell.ts'

/**
 * The commands of the page "Production Kafka", as a shell understands them. The scripts of Kafka
 * start a Java process each, some 30 of them here, so their words go to the admin client instead;
 * a word that is not known here fails the test rather than being left out.
 */
export interface PageCommands {
  readonly topics: readonly Words[]
  readonly acls: readonly Words[]
}

type Words = readonly string[]

const PAGE = projectPath('deploy/kafka/README.md')

/**
 * The first block of `sh` behind each of the two headings. `suffix`: of the users that take turns
 * with those of the page.
 */
export function readPageCommands(suffix = ''): PageCommands {
  return {
    topics: run('Topics', 'kafka-topics.sh'),
    acls: run('Permissions', 'kafka-acls.sh', { SUFFIX: suffix }),
  }
}

function run(
  heading: string,
  program: string,
  env: Readonly<Record<string, string>> = {},
): Words[] {
  const [block] = blocksOf(PAGE, `## ${heading}`)
  const script = `set -eu\n${program}() { printf '%s\\n' "$*"; }\n${block}`
  const options = { encoding: 'utf8', env: { PATH: process.env['PATH'], ...env } } as const
  const said = execFileSync('bash', ['--norc', '-c', script], options)
  return said
    .trim()
    .split('\n')
    .map((line) => line.split(' '))
}

const text = { type: 'string' } as const
const texts = { type: 'string', multiple: true } as const
const yes = { type: 'boolean' } as const
const COMMON = { 'bootstrap-server': text, 'command-config': text } as const

/** The topic that a command makes, but for what is about replicas. */
export function topicOf(words: Words): TopicSpec {
  const { values } = parseArgs({
    args: [...words],
    options: {
      ...COMMON,
      create: yes,
      topic: text,
      partitions: text,
      'replication-factor': text,
      config: texts,
    },
  })
  const configs = (values.config ?? []).filter((entry) => !entry.startsWith('min.insync'))
  return {
    topic: values.topic ?? '',
    partitions: Number(values.partitions),
    config: Object.fromEntries(configs.map((entry) => entry.split('='))),
  }
}

/** One entry for each operation that a command allows. */
export function aclsOf(words: Words): AclEntry[] {
  const { values } = parseArgs({
    args: [...words],
    options: {
      ...COMMON,
      add: yes,
      'allow-principal': text,
      operation: texts,
      topic: text,
      group: text,
      'resource-pattern-type': text,
    },
  })
  const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs
  const isPrefix = values['resource-pattern-type'] === 'prefixed'
  return (values.operation ?? []).map((operation) => ({
    principal: values['allow-principal'] ?? '',
    host: '*',
    operation: operationNamed(operation, AclOperationTypes),
    permissionType: AclPermissionTypes.ALLOW,
    resourceType: values.topic === undefined ? AclResourceTypes.GROUP : AclResourceTypes.TOPIC,
    resourceName: values.topic ?? values.group ?? '',
    resourcePatternType: isPrefix ? ResourcePatternTypes.PREFIXED : ResourcePatternTypes.LITERAL,
  }))
}

/** The words of the `kafka-acls.sh` command that a sentence ends with. */
export function commandOf(sentence: string): Words {
  const [, command] = sentence.split(' kafka-acls.sh ')
  if (command === undefined) throw new Error(`no command in: ${sentence}`)
  return command.split(' ')
}

function operationNamed(
  name: string,
  types: Readonly<Record<string, string | number>>,
): AclEntry['operation'] {
  const found = types[name.replace(/(?<=[a-z])(?=[A-Z])/, '_').toUpperCase()]
  if (typeof found !== 'number') throw new Error(`there is no operation ${name}`)
  return found
}
