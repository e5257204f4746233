import { type ChildProcess, fork } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import pg from 'pg'
import { profileOf } from '../../deploy/local/profiles.ts'
import type { ServiceProcess } from '../../deploy/local/services.ts'
import { type Stack, startStack } from '../../deploy/local/stack.ts'
import { systemClock } from '../../services/shared/clock.ts'
import { Secret } from '../../services/shared/config.ts'
import { newSigningSecret } from '../../services/shared/egress/webhook-signature.ts'
import { createLogger } from '../../services/shared/logger.ts'
import { migrate } from '../../services/shared/postgres/migrate.ts'
import { projectPath } from '../../services/shared/project-path.ts'
import { signingSecretPlace } from '../../services/shared/sealed-places.ts'
import { createSecretBox } from '../../services/shared/secret-box.ts'
import { aCallEvent } from '../support/builders.ts'
import { EventLog } from '../support/event-log.ts'
import { freePorts, Product } from '../support/product.ts'

/** A stack, a receiver and a product of its own for the benchmark. */

export interface Report {
  readonly received: number
  readonly firstAt: number
  readonly warmAt: number
  readonly lastAt: number
  readonly outOfOrder: number
  readonly overlaps: number
  readonly latenciesMs: readonly number[]
}

export interface Target {
  readonly workspaceId: string
  /** `ok`, `dead`, `hang` or `timed`: what the receiver does. */
  readonly kind: string
}

export function targetsOf(workspaces: number, kindOf: (index: number) => string): Target[] {
  return Array.from({ length: workspaces }, (_, index) => ({
    workspaceId: `w${index}`,
    kind: kindOf(index),
  }))
}

export class BenchWorld {
  readonly stack: Stack
  readonly #receiver: ChildProcess
  readonly origin: string
  #runs = 0

  private constructor(stack: Stack, receiver: ChildProcess, origin: string) {
    this.stack = stack
    this.#receiver = receiver
    this.origin = origin
  }

  static async open(): Promise<BenchWorld> {
    const stack = await startStack('bench')
    const [port = 0] = await freePorts(1)
    const receiver = forkTs('receiver-process.ts', { PORT: String(port) })
    await said(receiver, 'ready')
    return new BenchWorld(stack, receiver, `http://127.0.0.1:${port}`)
  }

  async close(): Promise<void> {
    this.#receiver.kill()
    await this.stack.stop()
  }

  async reset(query: string): Promise<void> {
    await fetch(`${this.origin}/reset?${query}`)
  }

  async report(): Promise<Report> {
    return (await (await fetch(`${this.origin}/report`)).json()) as Report
  }

  async until(count: number, withinMs: number): Promise<Report> {
    const deadline = Date.now() + withinMs
    for (;;) {
      const report = await this.report()
      if (report.received >= count) return report
      if (Date.now() > deadline) throw new Error(`${report.received} of ${count} received`)
      await systemClock.sleep(50)
    }
  }

  /** A database and topics of their own, with connected workspaces; no service runs yet. */
  async product(targets: readonly Target[], env: Record<string, string>): Promise<Product> {
    const name = `bench_${++this.#runs}`
    await this.#query(this.stack.env.DATABASE_URL, (db) => db.query(`create database ${name}`))
    const url = new URL(this.stack.env.DATABASE_URL)
    url.pathname = `/${name}`
    const product = await Product.prepare({
      stack: this.stack.env,
      databaseUrl: url.href,
      topicPrefix: name,
      profile: profileOf('bench'),
      env: { TOPIC_PARTITIONS: '12', ...env },
    })
    await migrate(new Secret(url.href), createLogger('bench', 'silent'))
    const box = createSecretBox(new Secret(product.env['SECRETS_KEY'] ?? ''))
    const secret = newSigningSecret()
    await this.#query(url.href, async (db) => {
      await db.query(
        `insert into workspaces (id, timezone, default_country)
         select id, 'Europe/Kyiv', 'UA' from unnest($1::text[]) as id`,
        [targets.map(({ workspaceId }) => workspaceId)],
      )
      await db.query(
        `insert into connections (workspace_id, state, url, signing_secret_sealed, connected_at)
         select id, 'connected', url, sealed, now() - interval '1 day'
         from unnest($1::text[], $2::text[], $3::text[]) as t (id, url, sealed)`,
        [
          targets.map(({ workspaceId }) => workspaceId),
          targets.map(({ kind, workspaceId }) => `${this.origin}/${kind}/${workspaceId}`),
          targets.map(({ workspaceId }) => box.seal(secret, signingSecretPlace(workspaceId))),
        ],
      )
    })
    return product
  }

  async #query(url: string, work: (db: pg.Client) => Promise<unknown>): Promise<void> {
    const db = new pg.Client({ connectionString: url })
    await db.connect()
    try {
      await work(db)
    } finally {
      await db.end()
    }
  }

  /** CPU seconds so far of Kafka, and of Postgres with all its processes. */
  serverCpu(): Record<'kafka' | 'postgres', number> {
    return {
      kafka: cpuSeconds(this.#pidOf('kafka')),
      postgres: cpuOfTree(this.#pidOf('postgres')),
    }
  }

  cpuOf(service: ServiceProcess): number {
    return cpuSeconds(service.pid)
  }

  #pidOf(server: string): number {
    const file = projectPath('.local', 'bench', 'pids', `${server}.json`)
    return (JSON.parse(readFileSync(file, 'utf8')) as { pid: number }).pid
  }
}

/** Writes `events` of the workspaces into the log, round robin. */
export async function fillLog(
  product: Product,
  workspaceIds: readonly string[],
  events: number,
): Promise<void> {
  const log = await EventLog.open(product.env)
  for (let done = 0; done < events; ) {
    const chunk: Promise<void>[] = []
    for (; done < events && chunk.length < 5_000; done++) {
      const workspaceId = workspaceIds[done % workspaceIds.length] ?? ''
      chunk.push(log.append(aCallEvent(workspaceId, String(done))))
    }
    await Promise.all(chunk)
  }
  await log.stop()
}

export function forkTs(file: string, env: Record<string, string>): ChildProcess {
  return fork(projectPath('test', 'bench', file), {
    execArgv: ['--import', 'tsx'],
    env: { PATH: process.env['PATH'] ?? '', ...env },
  })
}

export function said(child: ChildProcess, word: string): Promise<void> {
  return new Promise((resolve) => {
    child.on('message', (message) => {
      if (message === word) resolve()
    })
  })
}

/** User and system time, from /proc; clock ticks are 10 ms on Linux. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / 100
}

function cpuOfTree(root: number): number {
  const children = new Map<number, number[]>()
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    const stat = tryRead(`/proc/${name}/stat`)
    const parent = Number(stat?.split(') ')[1]?.split(' ')[1] ?? 0)
    children.set(parent, [...(children.get(parent) ?? []), Number(name)])
  }
  const sum = (pid: number): number =>
    cpuSeconds(pid) + (children.get(pid) ?? []).reduce((total, child) => total + sum(child), 0)
  return sum(root)
}

function tryRead(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return null
  }
}

export function peakMemoryMiB(pid: number): number {
  const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Math.round(Number(peak ?? 0) / 1024)
}
