import avsc from 'avsc'
import { type AvroSchema, readCallEventSchema, type WriterType } from '../call-event-codec.ts'
import type { Logger } from '../logger.ts'
import type { NumberedSchema } from '../postgres/call-event-schemas.ts'
import { type CallEventRegistry, SchemaError } from './schema-registry.ts'

/** The copy; see table `call_event_schemas`. */
export interface SchemaLedger {
  find(): Promise<readonly NumberedSchema[]>
  note(schema: NumberedSchema): Promise<void>
}

export interface SchemaBookOptions {
  readonly topic: string
  readonly registry: Pick<CallEventRegistry, 'register' | 'schemaOf' | 'versionsOf'>
  readonly ledger: SchemaLedger
  readonly logger: Logger
}

/** The registry does not know what our own records were written with: they have to wait. */
export class RegistryLostError extends Error {
  override readonly name = 'RegistryLostError'
}

/** Somebody who writes a new id with each record must not take our memory. */
const FOREIGN_MAX = 1_000

/**
 * The schemas of our log by their ids: what the registry says, and our own copy in Postgres of what it
 * has said, which wins. With the copy calls are delivered although the registry has lost its store, and
 * a record of somebody else can be told from one of ours whose schema is lost.
 */
export class SchemaBook {
  readonly #options: SchemaBookOptions
  readonly #types = new Map<number, WriterType>()
  readonly #foreign = new Set<number>()
  /** By id, JSON. In memory as well, for when Postgres is away. */
  readonly #copy = new Map<number, string>()
  #lost: readonly number[] = []

  constructor(options: SchemaBookOptions) {
    this.#options = options
  }

  /** Ids of ours that the registry did not know at the last look, or knows as something else. */
  get lost(): readonly number[] {
    return this.#lost
  }

  /**
   * What wrote the records of an id. Null: no schema of ours, so the record is somebody else's. A known
   * id is not asked for again: it never changes its meaning.
   *
   * @throws when it cannot be told now: the registry is away, or `RegistryLostError`.
   */
  async typeOf(id: number): Promise<WriterType | null> {
    const known = this.#types.get(id)
    if (known) return known
    if (this.#foreign.has(id)) return null
    // Before the registry: what it says after it lost its store is not what wrote our records.
    if (!this.#copy.has(id)) await this.#readCopy()
    const schema = this.#copy.get(id) ?? (await this.#options.registry.schemaOf(id))
    if (schema === null || !isCallEvent(schema)) return this.#judgeUnknown(id)
    const type = typeOfSchema(schema)
    this.#types.set(id, type)
    return type
  }

  /**
   * Takes over what registry and copy have, and notes in the copy what is new.
   *
   * @throws SchemaError when the registry cannot be asked.
   */
  async refresh(): Promise<void> {
    const { registry, topic } = this.#options
    await this.#readCopy()
    const versions = await registry.versionsOf(topic)
    await this.#look()
    for (const version of versions ?? []) await this.#note(version)
  }

  /**
   * The id to write under. Where the registry has lost ids of ours it is that of the copy: registering
   * anew could give our schema an id under which older records were written with another one.
   *
   * @throws SchemaError when the registry cannot be asked, does not take the schema, or has lost ids of
   * ours while the schema is a new one.
   */
  async idFor(schema: AvroSchema): Promise<number> {
    const { registry, topic } = this.#options
    await this.refresh()
    const text = JSON.stringify(schema)
    if (this.#lost.length === 0) {
      const id = await registry.register(topic, schema)
      await this.#note({ id, schema: text })
      return id
    }
    const alike = [...this.#copy].filter(([, noted]) => isSame(noted, text))
    const kept = alike.find(([, noted]) => noted === text) ?? alike.at(-1)
    if (kept) return kept[0]
    throw new SchemaError(
      `The registry has lost the schemas ${this.#lost.join(', ')} of ${topic}, and this release writes a new one. Restore it first: see services/dispatcher/README.md, "The registry has lost its schemas".`,
    )
  }

  async #readCopy(): Promise<void> {
    await this.#withLedger(async (ledger) => {
      const noted = new Map((await ledger.find()).map(({ id, schema }) => [id, schema]))
      for (const [id, schema] of noted) this.#copy.set(id, schema)
      // Postgres was restored from before they were noted, as a rule with the registry's own store.
      const forgotten = [...this.#copy].filter(([id]) => !noted.has(id))
      for (const [id, schema] of forgotten) await ledger.note({ id, schema })
    })
  }

  async #note(found: NumberedSchema): Promise<void> {
    if (this.#copy.has(found.id) || !isCallEvent(found.schema)) return
    await this.#withLedger(async (ledger) => {
      await ledger.note(found)
      this.#copy.set(found.id, found.schema)
    })
  }

  /** Postgres is not needed to read or write the log, so what it does not tell now it tells later. */
  async #withLedger(work: (ledger: SchemaLedger) => Promise<void>): Promise<void> {
    const { ledger, logger } = this.#options
    await work(ledger).catch((error: unknown) => logger.warn({ err: error }, 'schema.copy_failed'))
  }

  async #look(): Promise<void> {
    const { registry, topic, logger } = this.#options
    const now = new Map<number, string | null>()
    for (const id of this.#copy.keys()) now.set(id, await registry.schemaOf(id))
    const lost = lostIds(this.#copy, now)
    if (lost.join() !== this.#lost.join()) {
      if (lost.length > 0) logger.error({ topic, schemaIds: lost }, 'registry.lost')
      else logger.info({ topic }, 'registry.restored')
    }
    this.#lost = lost
  }

  /** What is in neither of both: ours and lost, or somebody else's. */
  async #judgeUnknown(id: number): Promise<null> {
    const { registry, topic } = this.#options
    const isAnyOurs = this.#copy.size > 0 || (await registry.versionsOf(topic)) !== null
    await this.#look()
    if (whoseIsUnknown({ isAnyOurs, lost: this.#lost }) === 'lost') {
      throw new RegistryLostError(`no CallEvent under ${id}, and what is ours of ${topic} is lost`)
    }
    if (this.#foreign.size >= FOREIGN_MAX) this.#foreign.clear()
    this.#foreign.add(id)
    return null
  }
}

/** Of the ids that our records carry, those under which the registry gives something else, or nothing. */
export function lostIds(
  ours: ReadonlyMap<number, string>,
  now: ReadonlyMap<number, string | null>,
): readonly number[] {
  return [...ours]
    .filter(([id, schema]) => !isSame(schema, now.get(id) ?? null))
    .map(([id]) => id)
    .sort((one, other) => one - other)
}

/**
 * Whose a record is whose id neither our copy nor the registry has as a CallEvent. The registry is asked
 * for what is certainly ours: where it has all of that, it has lost nothing, and the record was written
 * by somebody else. One such record must not stop its partition, nor must a lost store bury calls.
 */
export function whoseIsUnknown({
  isAnyOurs,
  lost,
}: {
  /** False: neither our copy nor the registry has anything of ours, so nothing can be compared. */
  readonly isAnyOurs: boolean
  readonly lost: readonly number[]
}): 'foreign' | 'lost' {
  return isAnyOurs && lost.length === 0 ? 'foreign' : 'lost'
}

function typeOfSchema(schema: string): avsc.Type {
  return avsc.Type.forSchema(JSON.parse(schema) as avsc.Schema)
}

/** Written alike: documentation and the order of attributes change nothing of the bytes. */
function isSame(schema: string, other: string | null): boolean {
  if (other === null) return false
  return schema === other || fingerprintOf(schema) === fingerprintOf(other)
}

function fingerprintOf(schema: string): string | null {
  try {
    return typeOfSchema(schema).fingerprint('sha256').toString('hex')
  } catch {
    return null
  }
}

/** Whether it is a version of our event, and not what another team registered, in whatever language. */
function isCallEvent(schema: string): boolean {
  try {
    typeOfSchema(schema)
    return fullNameOf(JSON.parse(schema) as AvroSchema) === CALL_EVENT
  } catch {
    return false
  }
}

function fullNameOf({ namespace, name }: AvroSchema): string {
  return String(name).includes('.') ? String(name) : `${String(namespace)}.${String(name)}`
}

const CALL_EVENT = fullNameOf(readCallEventSchema())
