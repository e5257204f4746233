/**
 * What is wrong with how Kafka and the registry are reached that no variable shows alone. Asked of
 * the raw values, so that a configuration is told all of its problems at once, whatever else is
 * wrong with it.
 */
type Values = Readonly<Record<string, string>>

const KAFKA_LOGIN = ['KAFKA_SASL_MECHANISM', 'KAFKA_SASL_USERNAME', 'KAFKA_SASL_PASSWORD']
const KAFKA_KEY_PAIR = ['KAFKA_SSL_CERT', 'KAFKA_SSL_KEY']
const REGISTRY_LOGIN = ['SCHEMA_REGISTRY_USERNAME', 'SCHEMA_REGISTRY_PASSWORD']

/** One line for each problem; it begins with the variable and says what to do. */
export function securityProblems(values: Values): readonly string[] {
  return [
    ...[KAFKA_LOGIN, KAFKA_KEY_PAIR, REGISTRY_LOGIN].flatMap((names) => halves(names, values)),
    ...withoutEffect(values),
    ...readablePasswords(values),
  ]
}

/** Half a login would log in as nobody, and fail far from here with words about permissions. */
function halves(names: readonly string[], values: Values): string[] {
  const set = names.filter((name) => name in values)
  const missing = names.filter((name) => !(name in values))
  if (set.length === 0) return []
  return missing.map((name) => `${name}: is required with ${set.join(' and ')}`)
}

function withoutEffect(values: Values): string[] {
  const problems = []
  for (const name of ['KAFKA_SSL_CA', ...KAFKA_KEY_PAIR]) {
    if (name in values && values['KAFKA_SSL'] !== 'true') {
      problems.push(`${name}: is of no use without TLS: set KAFKA_SSL=true, or leave it out`)
    }
  }
  const url = values['SCHEMA_REGISTRY_URL'] ?? 'http:'
  if ('SCHEMA_REGISTRY_CA' in values && url.startsWith('http:')) {
    problems.push('SCHEMA_REGISTRY_CA: is of no use without TLS: SCHEMA_REGISTRY_URL is http')
  }
  return problems
}

/** SCRAM proves that it knows the password and never sends it; the other two send it as it is. */
function readablePasswords(values: Values): string[] {
  const problems = []
  const brokers = (values['KAFKA_BROKERS'] ?? '127.0.0.1').split(',')
  const isPlain = values['KAFKA_SASL_MECHANISM'] === 'plain' && values['KAFKA_SSL'] !== 'true'
  if (isPlain && !brokers.every((broker) => isThisMachine(`kafka://${broker.trim()}`))) {
    problems.push(
      'KAFKA_SASL_MECHANISM: plain without TLS sends the password readable: set KAFKA_SSL=true, or take scram-sha-512',
    )
  }
  const registry = values['SCHEMA_REGISTRY_URL'] ?? 'http://127.0.0.1'
  const isBasic = 'SCHEMA_REGISTRY_PASSWORD' in values && registry.startsWith('http:')
  if (isBasic && !isThisMachine(registry)) {
    problems.push('SCHEMA_REGISTRY_URL: http sends the password readable: take https')
  }
  return problems
}

function isThisMachine(url: string): boolean {
  if (!URL.canParse(url)) return false
  return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(new URL(url).hostname)
}
