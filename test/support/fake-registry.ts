import type { AvroSchema } from '../../services/shared/call-event-codec.ts'
import type { SchemaBookOptions, SchemaLedger } from '../../services/shared/kafka/schema-book.ts'
import type { NumberedSchema } from '../../services/shared/postgres/call-event-schemas.ts'

/** A registry in memory, whose store can be lost, and the copy that Postgres keeps. */
export class FakeRegistry {
  isAway = false
  isPostgresAway = false
  /** How often it was asked for the schema of an id. */
  asked = 0
  readonly copy = new Map<number, string>()
  #byId = new Map<number, string>()
  #ours: number[] = []
  #nextId: number

  constructor(firstId = 1) {
    this.#nextId = firstId
  }

  get registry(): SchemaBookOptions['registry'] {
    return {
      register: async (_topic, schema) => this.put(schema),
      schemaOf: async (id) => {
        this.#answer()
        this.asked++
        return this.#byId.get(id) ?? null
      },
      versionsOf: async () => {
        this.#answer()
        return this.#ours.length === 0 ? null : this.#ours.map((id) => this.#numbered(id)).reverse()
      },
    }
  }

  get ledger(): SchemaLedger {
    return {
      find: async () => {
        if (this.isPostgresAway) throw new Error('connect ECONNREFUSED')
        return [...this.copy].map(([id, schema]) => ({ id, schema }))
      },
      note: async ({ id, schema }) => {
        if (this.isPostgresAway) throw new Error('connect ECONNREFUSED')
        if (!this.copy.has(id)) this.copy.set(id, schema)
      },
    }
  }

  /** Under our subject; the same schema has the same id. */
  put(schema: AvroSchema): number {
    this.#answer()
    const text = JSON.stringify(schema)
    const known = this.#ours.find((id) => this.#byId.get(id) === text)
    if (known !== undefined) return known
    const id = this.putForeign(schema)
    this.#ours.push(id)
    return id
  }

  /** Under the subject of another team. */
  putForeign(schema: AvroSchema): number {
    const id = this.#nextId++
    this.#byId.set(id, JSON.stringify(schema))
    return id
  }

  /** All is gone; ids are given out from here on. */
  loseStore(nextId: number): void {
    this.#byId = new Map()
    this.#ours = []
    this.#nextId = nextId
  }

  /** Import mode, or the store from a backup. */
  restore(versions: readonly NumberedSchema[]): void {
    for (const { id, schema } of versions) {
      this.#byId.set(id, schema)
      if (!this.#ours.includes(id)) this.#ours.push(id)
    }
  }

  #numbered(id: number): NumberedSchema {
    return { id, schema: this.#byId.get(id) ?? '' }
  }

  #answer(): void {
    if (this.isAway) throw new Error('connect ECONNREFUSED')
  }
}
