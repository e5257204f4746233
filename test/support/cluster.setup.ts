import type { TestProject } from 'vitest/node'
import type { StackEnvironment } from '../../deploy/local/profiles.ts'
import { type Stack, startStack } from '../../deploy/local/stack.ts'
import { requireFreshBuild } from './fresh-build.ts'

/** Three brokers, registry and Postgres with empty data, once for all files of the project. */

declare module 'vitest' {
  interface ProvidedContext {
    readonly cluster: StackEnvironment
  }
}

let stack: Stack | null = null

export async function setup(project: TestProject): Promise<void> {
  requireFreshBuild()
  stack = await startStack('cluster')
  project.provide('cluster', stack.env)
}

export async function teardown(): Promise<void> {
  await stack?.stop()
}
