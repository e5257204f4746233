import { randomBytes } from 'node:crypto'
import { rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { findFaketime } from './faketime.ts'

const PRELOAD = pathToFileURL(fileURLToPath(new URL('./wall-clock.mjs', import.meta.url))).href

/**
 * The wall clock of one real process, to be set while it runs; the clock that never steps is left
 * alone, as by an NTP daemon. By libfaketime, under Node and all that it is built on; where that
 * cannot be had, `Date` alone is changed.
 */
export class WallClock {
  readonly #file = join(tmpdir(), `wall-clock-${randomBytes(6).toString('hex')}`)
  /** Null: there is no libfaketime here. */
  readonly #library: string | null

  private constructor(library: string | null) {
    this.#library = library
  }

  /** Goes right until it is set. */
  static async running(): Promise<WallClock> {
    const faketime = await findFaketime()
    const clock = new WallClock('missing' in faketime ? null : faketime.library)
    await clock.set(0)
    return clock
  }

  /** For the process that is to go by it. */
  get env(): Readonly<Record<string, string>> {
    if (this.#library === null) {
      return { NODE_OPTIONS: `--import=${PRELOAD}`, WALL_CLOCK_FILE: this.#file }
    }
    return {
      LD_PRELOAD: this.#library,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    }
  }

  /** `byMs`: off from the right time; below 0: behind it. */
  async set(byMs: number): Promise<void> {
    const written = this.#library === null ? String(byMs) : secondsOff(byMs)
    // Never half of it: it is read at any moment.
    await writeFile(`${this.#file}.new`, written)
    await rename(`${this.#file}.new`, this.#file)
  }

  async stop(): Promise<void> {
    await rm(this.#file, { force: true })
  }
}

/** As libfaketime reads it: a number without a sign would be a date. */
function secondsOff(byMs: number): string {
  return `${byMs < 0 ? '-' : '+'}${Math.abs(byMs) / 1_000}`
}
