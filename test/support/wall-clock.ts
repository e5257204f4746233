import { randomBytes } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const PRELOAD = pathToFileURL(fileURLToPath(new URL('./wall-clock.mjs', import.meta.url))).href

/** The wall clock of one real process, to be set while it runs. */
export class WallClock {
  readonly #file = join(tmpdir(), `wall-clock-${randomBytes(6).toString('hex')}`)

  /** Goes right until it is set. */
  static async running(): Promise<WallClock> {
    const clock = new WallClock()
    await clock.set(0)
    return clock
  }

  /** For the process that is to go by it. */
  get env(): Readonly<Record<string, string>> {
    return { NODE_OPTIONS: `--import=${PRELOAD}`, WALL_CLOCK_FILE: this.#file }
  }

  /** `byMs`: off from the right time; below 0: behind it. */
  async set(byMs: number): Promise<void> {
    await writeFile(this.#file, String(byMs))
  }

  async stop(): Promise<void> {
    await rm(this.#file, { force: true })
  }
}
