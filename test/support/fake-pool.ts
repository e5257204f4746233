import type { Pool } from 'pg'
import { aDataError } from './refusals.ts'

/** A row of `delivery_attempts`, as far as tests look at it. */
export interface WrittenAttempt {
  readonly workspaceId: unknown
  readonly attempt: unknown
  readonly outcome: unknown
  readonly errorClass: unknown
}

/** Takes the statements of the attempt log; `isAway` makes it refuse them like a dead server. */
export class FakePool {
  readonly statements: string[] = []
  readonly attempts: WrittenAttempt[] = []
  isAway = false
  /** Refuses statements on this table only. */
  brokenTable: string | null = null
  /** Refuses each statement with a row of this workspace, for what the row is. */
  refusedWorkspace: string | null = null
  /** It goes away once it has taken so many attempts. */
  attemptsUntilAway = Number.POSITIVE_INFINITY
  /** Set to hold statements back until it resolves. */
  gate: Promise<void> = Promise.resolve()

  async query(sql: string, columns: readonly (readonly unknown[])[]): Promise<void> {
    await this.gate
    const [, table = ''] = /^\s*(?:insert into|update) (\w+)/.exec(sql) ?? []
    if (this.isAway || table === this.brokenTable) throw new Error('connect ECONNREFUSED')
    if (columns[0]?.includes(this.refusedWorkspace)) throw aDataError()
    if (table === 'delivery_attempts' && this.attempts.length >= this.attemptsUntilAway) {
      throw new Error('connect ECONNREFUSED')
    }
    this.statements.push(table)
    if (table === 'delivery_attempts') this.attempts.push(...rowsOf(columns))
  }

  /** The part of `pg` that is used here has this shape; the rest of it is not. */
  get pool(): Pool {
    return this as unknown as Pool
  }
}

function rowsOf(columns: readonly (readonly unknown[])[]): WrittenAttempt[] {
  const [workspaceIds = [], , , attempts = [], outcomes = [], errorClasses = []] = columns
  return workspaceIds.map((workspaceId, index) => ({
    workspaceId,
    attempt: attempts[index],
    outcome: outcomes[index],
    errorClass: errorClasses[index],
  }))
}
