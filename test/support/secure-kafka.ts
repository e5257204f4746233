import { randomBytes } from 'node:crypto'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import {
  type Daemon,
  freezeDaemon,
  startDaemon,
  stopDaemon,
  thawDaemon,
} from '../../deploy/local/daemon.ts'
import { type KafkaVariant, kafkaServer } from '../../deploy/local/kafka.ts'
import { HOST, logFile, type Profile, pidFile, profileOf } from '../../deploy/local/profiles.ts'
import type { Server } from '../../deploy/local/server.ts'
import { type KafkaConfig, Secret } from '../../services/shared/config.ts'
import { projectPath } from '../../services/shared/project-path.ts'
import { freePorts } from './product.ts'

/**
 * A broker as it is run in production, beside the open one of the stack: TLS on its only port, a
 * certificate asked of every client, SCRAM users, and everything forbidden that is not allowed.
 */
export const USERS = [
  'admin',
  'normalizer',
  'dispatcher',
  'console',
  'topics',
  'data-team',
] as const
export type User = (typeof USERS)[number]

/** One self-signed certificate, which is the broker's, the clients' and its own authority. */
const CERT_FILE = projectPath('test/fixtures/tls/self-signed.cert.pem')
const KEY_FILE = projectPath('test/fixtures/tls/self-signed.key.pem')

export class SecureKafka {
  readonly broker: string
  /** Asks nobody who he is, and is reached from this machine only. */
  readonly controller: string
  readonly #home: Profile
  readonly #server: Server
  readonly #profile: Profile
  readonly #passwords: ReadonlyMap<User, string>

  private constructor(home: Profile, profile: Profile, passwords: ReadonlyMap<User, string>) {
    this.#home = home
    this.#profile = profile
    this.#passwords = passwords
    this.broker = `${HOST}:${profile.ports.kafka}`
    this.controller = `${HOST}:${profile.ports.controller}`
    this.#server = kafkaServer(profile, () => undefined, this.#variant())
  }

  /** `home`: whose pid files say that it runs, so that stopping that stack stops this one, too. */
  static async start(home: Profile = profileOf('test')): Promise<SecureKafka> {
    const [kafka = 0, controller = 0] = await freePorts(2)
    const profile = {
      ...home,
      folder: join(home.folder, `secure-${kafka}`),
      ports: { ...home.ports, kafka, controller },
    }
    const secret = () => randomBytes(12).toString('hex')
    const secure = new SecureKafka(home, profile, new Map(USERS.map((user) => [user, secret()])))
    await secure.#launch()
    return secure
  }

  async stop(): Promise<void> {
    const { signal, withinMs } = this.#server.stop
    await stopDaemon(this.#pidFile, { signal, withinMs })
    rmSync(this.#profile.folder, { recursive: true, force: true })
  }

  /** As a machine that hangs: its connections stay open, and nothing is answered meanwhile. */
  async whileFrozen<T>(work: () => Promise<T>): Promise<T> {
    await freezeDaemon(this.#pidFile)
    try {
      return await work()
    } finally {
      await thawDaemon(this.#pidFile)
    }
  }

  password(user: User): string {
    return this.#passwords.get(user) ?? ''
  }

  /** What a service needs to get in, besides its topics. */
  env(user: User): Record<string, string> {
    return {
      KAFKA_BROKERS: this.broker,
      KAFKA_SSL: 'true',
      KAFKA_SSL_CA_FILE: CERT_FILE,
      KAFKA_SSL_CERT_FILE: CERT_FILE,
      KAFKA_SSL_KEY_FILE: KEY_FILE,
      KAFKA_SASL_MECHANISM: 'scram-sha-512',
      KAFKA_SASL_USERNAME: user,
      KAFKA_SASL_PASSWORD: this.password(user),
    }
  }

  /** The same for a client in this process. */
  config(user: User): Pick<KafkaConfig, 'brokers' | 'tls' | 'sasl'> {
    const cert = readFileSync(CERT_FILE, 'utf8')
    const key = new Secret(readFileSync(KEY_FILE, 'utf8'))
    const password = new Secret(this.password(user))
    return {
      brokers: [this.broker],
      tls: { ca: cert, own: { cert, key } },
      sasl: { mechanism: 'scram-sha-512', username: user, password },
    }
  }

  get #pidFile(): string {
    return pidFile(this.#home, this.#name)
  }

  get #name(): string {
    return `secure-kafka-${this.#profile.ports.kafka}`
  }

  #launch(): Promise<Daemon> {
    const log = logFile(this.#home, this.#name)
    return startDaemon({ ...this.#server, pidFile: this.#pidFile, logFile: log })
  }

  #variant(): KafkaVariant {
    const { kafka, controller } = this.#profile.ports
    const { tls, sasl } = this.config('admin')
    const pair = [CERT_FILE, KEY_FILE].map((file) => readFileSync(file, 'utf8'))
    const oneLine = (pem: string) => pem.trim().replaceAll('\n', '\\n')
    const [cert = '', key = ''] = pair.map(oneLine)
    return {
      settings: {
        listeners: `SASL_SSL://${HOST}:${kafka},CONTROLLER://${HOST}:${controller}`,
        'advertised.listeners': `SASL_SSL://${HOST}:${kafka}`,
        'listener.security.protocol.map': 'SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT',
        'inter.broker.listener.name': 'SASL_SSL',
        'sasl.enabled.mechanisms': 'SCRAM-SHA-512',
        'sasl.mechanism.inter.broker.protocol': 'SCRAM-SHA-512',
        'listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config': `org.apache.kafka.common.security.scram.ScramLoginModule required username="admin" password="${this.password('admin')}";`,
        'listener.name.sasl_ssl.ssl.client.auth': 'required',
        'ssl.keystore.type': 'PEM',
        'ssl.keystore.certificate.chain': cert,
        'ssl.keystore.key': key,
        'ssl.truststore.type': 'PEM',
        'ssl.truststore.certificates': cert,
        'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
        // Nobody is anonymous but the controller, whose listener only this machine reaches.
        'super.users': 'User:admin;User:ANONYMOUS',
      },
      formatOptions: USERS.flatMap((user) => [
        '--add-scram',
        `SCRAM-SHA-512=[name=${user},password=${this.password(user)}]`,
      ]),
      access: {
        ssl: { ca: tls?.ca ?? '', cert: tls?.own?.cert ?? '', key: tls?.own?.key.reveal() ?? '' },
        sasl: {
          mechanism: 'scram-sha-512',
          username: 'admin',
          password: sasl?.password.reveal() ?? '',
        },
      },
    }
  }
}
