import { migrationSteps } from '../../services/shared/postgres/migration-files.ts'

/** Tables that grow with every call, so that what reads or rewrites all of one takes seconds or minutes. */
export const LARGE_TABLES = [
  'published_events',
  'delivery_attempts',
  'held_sessions',
  'held_legs',
  'spool',
  'dead_letters',
  'recording_checks',
] as const

const LARGE = `(?:only )?(?:public\\.)?"?(${LARGE_TABLES.join('|')})"?`

type Rule = readonly [problem: string, pattern: RegExp]

/** By statement; the table, where it counts, is the first group. */
const STATEMENT_RULES: readonly Rule[] = [
  [
    'an index is built in front of everybody: use `create index concurrently`',
    new RegExp(`^create (?:unique )?index (?!concurrently)\\S+ on (?!only )${LARGE}\\b`),
  ],
  [
    'an index is dropped in front of everybody who reads: use `drop index concurrently`',
    /^drop index (?!concurrently)/,
  ],
  [
    'rows are changed, all in one transaction: let a service do it, some at a time',
    new RegExp(`^(?:update|delete from|insert into) ${LARGE}\\b`),
  ],
  ['all of a table is locked', /^(?:lock|cluster|reindex|truncate|vacuum \(?full)\b/],
]

const VOLATILE = 'gen_random_uuid|uuidv7|random|nextval|clock_timestamp|timeofday'
const CONSTRAINT = '(?:check|foreign key|unique|primary key|references)\\b'

/** By what one `alter table` does, which may be several things. */
const ACTION_RULES: readonly Rule[] = [
  [
    'a column is NOT NULL without a default: rows that are there have none',
    /^add (?!constraint)(?!.*\bdefault\b).*\bnot null\b/,
  ],
  [
    'the default of a new column is another one for each row: all of them are written anew',
    new RegExp(`^add .*\\bdefault\\b.*\\b(?:${VOLATILE})\\b`),
  ],
  [
    'a new column counts or is computed: all rows are written anew',
    /^add .*\b(?:generated|(?:big|small)?serial)\b/,
  ],
  [
    'a column gets another type: all rows are written anew',
    /^alter (?:column )?\S+ (?:set data )?type\b/,
  ],
  [
    'SET NOT NULL reads all rows under a lock: add a check `not valid` and validate it',
    /^alter .*\bset not null\b/,
  ],
  [
    'a constraint reads all rows under a lock: add it `not valid`, or `using index`',
    new RegExp(`^add (?!.*\\b(?:not valid|using index)\\b).*\\b${CONSTRAINT}`),
  ],
]

/**
 * What of a migration would hold up the traffic on a large table; empty when nothing does. A table that
 * the same file makes is empty.
 */
export function migrationProblems(text: string): readonly string[] {
  const code = plain(text)
  const made = new Set([...code.matchAll(/\bcreate table (?:if not exists )?(\w+)/g)].map(nameOf))
  const statements = code.split(';').map((statement) => statement.trim())
  const found = statements.flatMap((statement) => [
    ...broken(STATEMENT_RULES, statement, made),
    ...actionsOf(statement, made).flatMap((action) => broken(ACTION_RULES, action, made)),
  ])
  return [...found, ...concurrentProblems(text)]
}

function nameOf([, name]: RegExpMatchArray): string | undefined {
  return name
}

function broken(rules: readonly Rule[], text: string, made: ReadonlySet<string | undefined>) {
  return rules.flatMap(([problem, pattern]) => {
    const match = pattern.exec(text)
    return match && !made.has(match[1]) ? [`${problem}: ${text.slice(0, 80)}`] : []
  })
}

/** What an `alter table` of a large table does, one by one; commas within brackets divide nothing. */
function actionsOf(statement: string, made: ReadonlySet<string | undefined>): readonly string[] {
  const [, table, rest = ''] =
    new RegExp(`^alter table (?:if exists )?${LARGE} (.*)$`).exec(statement) ?? []
  if (table === undefined || made.has(table)) return []
  let depth = 0
  const actions = ['']
  for (const char of rest) {
    if (char === '(') depth++
    if (char === ')') depth--
    if (char === ',' && depth === 0) actions.push('')
    else actions[actions.length - 1] += char
  }
  return actions.map((action) => action.trim())
}

/** In small letters and with single spaces, without comments and what stands between quotes. */
function plain(text: string): string {
  return text
    .replace(/--.*$/gm, '')
    .replace(/'(?:[^']|'')*'/g, "''")
    .replace(/\$(\w*)\$[\s\S]*?\$\1\$/g, "''")
    .replace(/\s+/g, ' ')
    .toLowerCase()
}

/** A file that is no transaction has to bear being run again from its beginning. */
function concurrentProblems(text: string): readonly string[] {
  const steps = migrationSteps(text)
  if (steps.kind === 'transaction') return []
  const dropped = new Set<string>()
  const problems: string[] = []
  for (const statement of steps.statements.map((one) => one.toLowerCase())) {
    const drop = /^drop\s+index\s+concurrently\s+if\s+exists\s+(\S+)$/.exec(statement)
    const create = /^create\s+(?:unique\s+)?index\s+concurrently\s+(\S+)\s+on\s/.exec(statement)
    if (drop?.[1]) dropped.add(drop[1])
    else if (!create?.[1]) problems.push(`cannot be run twice: ${statement.slice(0, 80)}`)
    else if (!dropped.has(create[1])) problems.push(`half a run leaves ${create[1]} there`)
  }
  return problems
}
