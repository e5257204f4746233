import { randomBytes } from 'node:crypto'
import { inject } from 'vitest'
import type { StackEnvironment } from '../../deploy/local/profiles.ts'
import { openStack, type Stack } from '../../deploy/local/stack.ts'
import { createDatabase } from './create-database.ts'

/** The running servers: their addresses, and stopping and starting them to see what happens. */
export type TestStack = Omit<Stack, 'stop'>

/** Whoever stops a server starts it again before the test ends: the next file needs it. */
export function testStack(): TestStack {
  return { ...openStack('test'), env: stackAddresses() }
}

/** Does the work while Postgres is stopped. */
export async function withoutPostgres<T>(
  stack: Pick<TestStack, 'stopServer' | 'startServer'>,
  work: () => Promise<T>,
): Promise<T> {
  await stack.stopServer('postgres')
  try {
    return await work()
  } finally {
    await stack.startServer('postgres')
  }
}

/** URL of a new, empty database, which no other test sees. It goes away with the stack. */
export async function freshDatabase(): Promise<string> {
  return createDatabase(stackAddresses().DATABASE_URL)
}

/** A value for `TOPIC_PREFIX` (and for group ids) that no other test has. */
export function freshPrefix(): string {
  return `t${randomName()}`
}

/** Where a product of its own can live: on the stack, with a database and topics that no other has. */
export async function freshPlace(): Promise<{
  readonly stack: StackEnvironment
  readonly databaseUrl: string
  readonly topicPrefix: string
}> {
  return {
    stack: testStack().env,
    databaseUrl: await freshDatabase(),
    topicPrefix: freshPrefix(),
  }
}

function stackAddresses(): StackEnvironment {
  const env = inject('stack')
  if (env) return env
  throw new Error('No stack runs for this test: run it with `npx vitest run --project stack`.')
}

function randomName(): string {
  return randomBytes(6).toString('hex')
}
