import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import {
  ConfigError,
  commonVariables,
  type Environment,
  egressVariables,
  kafkaConfig,
  kafkaVariables,
  readEnvironment,
  Secret,
  tracingConfig,
  tracingVariables,
} from '../../../services/shared/config.ts'
import { projectPath } from '../../../services/shared/project-path.ts'

const PASSWORD = 'correct horse battery staple'
const variables = { ...commonVariables, ...kafkaVariables, ...egressVariables }

function read(env: Environment) {
  return readEnvironment(variables, { DATABASE_URL: 'postgres://db/calls', ...env })
}

function problemsOf(env: Environment, shape: z.ZodRawShape = variables): readonly string[] {
  try {
    readEnvironment(shape, env)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

const pem = (part: 'cert' | 'key') => projectPath(`test/fixtures/tls/self-signed.${part}.pem`)

function secretFile(content: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'config-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'secret')
  writeFileSync(path, content)
  return path
}

describe('configuration', () => {
  it('needs nothing that has a sensible default', () => {
    expect(read({})).toMatchObject({
      KAFKA_BROKERS: ['127.0.0.1:9092'],
      SCHEMA_REGISTRY_URL: 'http://127.0.0.1:8081',
      TOPIC_PREFIX: 'calls',
      TOPIC_PARTITIONS: 12,
      LOG_LEVEL: 'info',
      EGRESS_ALLOW_CIDRS: [],
      EGRESS_ALLOW_HTTP: false,
    })
  })

  it('reports everything that is wrong at once, each with its variable', () => {
    const problems = problemsOf({
      KAFKA_SSL: 'yes',
      TOPIC_PARTITIONS: '0',
      SCHEMA_REGISTRY_URL: 'not a url',
      LOG_LEVEL: 'loud',
    })

    expect(problems.map((problem) => problem.split(':')[0]).toSorted()).toEqual([
      'DATABASE_URL',
      'KAFKA_SSL',
      'LOG_LEVEL',
      'SCHEMA_REGISTRY_URL',
      'TOPIC_PARTITIONS',
    ])
    expect(problems).toContain('DATABASE_URL: is required and not set')
  })

  it('says all of it in the message that a person sees', () => {
    expect(() => readEnvironment({ A: z.string(), B: z.string() }, {})).toThrow(
      'The configuration is wrong:\n  - A: is required and not set\n  - B: is required and not set',
    )
  })

  it('takes an empty variable for an absent one', () => {
    expect(read({ TOPIC_PREFIX: '' }).TOPIC_PREFIX).toBe('calls')
    expect(problemsOf({ DATABASE_URL: '' })).toEqual(['DATABASE_URL: is required and not set'])
  })

  it('splits lists at commas and forgives blanks', () => {
    expect(read({ KAFKA_BROKERS: 'a:1, b:2 ,,c:3' }).KAFKA_BROKERS).toEqual(['a:1', 'b:2', 'c:3'])
  })
})

describe('secret in a file', () => {
  it('is read from where NAME_FILE says, without the newline at its end', () => {
    const DATABASE_URL_FILE = secretFile(`postgres://${PASSWORD}\n`)

    const { DATABASE_URL } = readEnvironment(commonVariables, { DATABASE_URL_FILE })

    expect(DATABASE_URL.reveal()).toBe(`postgres://${PASSWORD}`)
  })

  it('is not read when the variable itself is set', () => {
    const env = { DATABASE_URL: 'postgres://direct', DATABASE_URL_FILE: '/nowhere' }

    expect(readEnvironment(commonVariables, env).DATABASE_URL.reveal()).toBe('postgres://direct')
  })

  it('that cannot be read is a problem with its path', () => {
    const problems = problemsOf({ DATABASE_URL_FILE: '/nowhere/url' }, commonVariables)

    expect(problems[0]).toMatch(/^DATABASE_URL_FILE: cannot read \/nowhere\/url \(ENOENT/)
  })
})

describe('secret in memory', () => {
  it.each([
    ['a template', (secret: Secret) => `${secret}`],
    ['JSON', (secret: Secret) => JSON.stringify({ secret })],
    ['console.log', (secret: Secret) => inspect({ secret }, { depth: 9, showHidden: true })],
    ['its keys', (secret: Secret) => Object.values(secret).join()],
  ])('does not come out by %s', (_how, print) => {
    expect(print(new Secret(PASSWORD))).not.toContain(PASSWORD)
  })

  it('is not repeated by the complaint about it', () => {
    const login = { KAFKA_SASL_USERNAME: 'me', KAFKA_SASL_PASSWORD: 'mine' }
    const problems = problemsOf({ DATABASE_URL: 'x', ...login, KAFKA_SASL_MECHANISM: PASSWORD })

    expect(problems).toHaveLength(1)
    expect(problems.join()).not.toContain(PASSWORD)
  })
})

describe('how Kafka is reached', () => {
  it('is without TLS and credentials unless they are set', () => {
    expect(kafkaConfig(read({}))).toMatchObject({ tls: null, sasl: null })
    expect(kafkaConfig(read({})).registry).toMatchObject({ login: null, ca: null })
  })

  it('is with them when they are', () => {
    const { sasl } = kafkaConfig(
      read({
        KAFKA_SASL_MECHANISM: 'scram-sha-512',
        KAFKA_SASL_USERNAME: 'dispatcher',
        KAFKA_SASL_PASSWORD: PASSWORD,
      }),
    )

    expect(sasl).toMatchObject({ mechanism: 'scram-sha-512', username: 'dispatcher' })
    expect(sasl?.password.reveal()).toBe(PASSWORD)
  })

  it('is by TLS with an authority and a certificate of our own, read from files', () => {
    const { tls } = kafkaConfig(
      read({
        KAFKA_SSL: 'true',
        KAFKA_SSL_CA_FILE: pem('cert'),
        KAFKA_SSL_CERT_FILE: pem('cert'),
        KAFKA_SSL_KEY_FILE: pem('key'),
      }),
    )

    expect(tls?.ca).toContain('BEGIN CERTIFICATE')
    expect(tls?.own?.key.reveal()).toContain('BEGIN PRIVATE KEY')
    expect(JSON.stringify(tls)).not.toContain('PRIVATE KEY')
  })

  it('is refused where a file holds something else than PEM', () => {
    const problems = problemsOf({
      DATABASE_URL: 'x',
      KAFKA_SSL: 'true',
      KAFKA_SSL_CA: 'not a certificate',
      KAFKA_SSL_CERT_FILE: pem('cert'),
      KAFKA_SSL_KEY_FILE: pem('cert'),
    })

    expect(problems).toEqual([
      'KAFKA_SSL_CA: must hold certificates in PEM',
      'KAFKA_SSL_KEY: must hold a private key in PEM, without a passphrase',
    ])
  })

  it('does not take a password inside of an address, and does not repeat it', () => {
    const SCHEMA_REGISTRY_URL = 'https://me:hidden@registry.example.com'
    const problems = problemsOf({ DATABASE_URL: 'x', SCHEMA_REGISTRY_URL })

    expect(problems.join()).toMatch(/^SCHEMA_REGISTRY_URL: .*set SCHEMA_REGISTRY_USERNAME/)
    expect(problems.join()).not.toContain('hidden')
  })

  it('tells half a login together with everything else that is wrong', () => {
    const problems = problemsOf({ KAFKA_SASL_MECHANISM: 'scram-sha-512', LOG_LEVEL: 'loud' })

    expect(problems.map((problem) => problem.split(':')[0]).toSorted()).toEqual([
      'DATABASE_URL',
      'KAFKA_SASL_PASSWORD',
      'KAFKA_SASL_USERNAME',
      'LOG_LEVEL',
    ])
  })
})

describe('traces', () => {
  const traces = (env: Environment) => tracingConfig(readEnvironment(tracingVariables, env))
  const endpoint = 'http://collector:4318'

  it.each<[boolean, Environment]>([
    [false, {}],
    [false, { OTEL_SERVICE_NAME: 'calls' }],
    [false, { OTEL_EXPORTER_OTLP_ENDPOINT: '' }],
    [false, { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_SDK_DISABLED: 'TRUE' }],
    [false, { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_TRACES_EXPORTER: 'none' }],
    [true, { OTEL_TRACES_EXPORTER: 'otlp' }],
    [true, { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }],
    [true, { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: endpoint, OTEL_SDK_DISABLED: 'false' }],
  ])('are on: %s, with %o', (isOn, env) => {
    expect(traces(env).isOn).toBe(isOn)
  })

  it('are sent in the form that was asked for, and in protobuf by default', () => {
    const json = { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' }

    expect(traces({}).protocol).toBe('http/protobuf')
    expect(traces(json).protocol).toBe('http/json')
    expect(traces({ ...json, OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/protobuf' }).protocol).toBe(
      'http/protobuf',
    )
  })

  it.each([
    ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc'],
    ['OTEL_TRACES_EXPORTER', 'zipkin'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector'],
  ])('refuse what would silently send nothing: %s=%s', (name, value) => {
    expect(problemsOf({ [name]: value }, tracingVariables)).toEqual([expect.stringContaining(name)])
  })
})
