import { randomBytes } from 'node:crypto'
import { rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { findFaketime } from './faketime.ts'

type Environment = Readonly<Record<string, string>>

/**
 * The wall clock of one real process, to be set while it runs; the clock that never steps is left
 * alone, as by an NTP daemon. By libfaketime, under Node and all that it is built on; where that
 * cannot be had, `Date` alone is changed.
 */
export class WallClock {
  /** For the process that is to go by it. */
  readonly env: Environment
  /** Says by how many seconds it is off, with a sign: libfaketime takes a number without for a date. */
  readonly #file: string

  private constructor(file: string, env: Environment) {
    this.#file = file
    this.env = env
  }

  /** Goes right until it is set. */
  static async running(): Promise<WallClock> {
    const file = join(tmpdir(), `wall-clock-${randomBytes(6).toString('hex')}`)
    const faketime = await findFaketime()
    const env = 'missing' in faketime ? byDate(file) : byLibc(file, faketime.library)
    const clock = new WallClock(file, env)
    await clock.set(0)
    return clock
  }

  /** `byMs`: off from the right time; below 0: behind it. */
  async set(byMs: number): Promise<void> {
    // Never half of it: it is read at any moment.
    await writeFile(`${this.#file}.new`, `${byMs < 0 ? '-' : '+'}${Math.abs(byMs) / 1_000}`)
    await rename(`${this.#file}.new`, this.#file)
  }

  async stop(): Promise<void> {
    await rm(this.#file, { force: true })
  }
}

function byLibc(file: string, library: string): Environment {
  return {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  }
}

const PRELOAD = pathToFileURL(fileURLToPath(new URL('./wall-clock.mjs', import.meta.url))).href

function byDate(file: string): Environment {
  return { NODE_OPTIONS: `--import=${PRELOAD}`, WALL_CLOCK_FILE: file }
}
