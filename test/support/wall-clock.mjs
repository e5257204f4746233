import { readFileSync } from 'node:fs'

/**
 * Loaded into a service (`node --import`): the wall clock of the process is off by as many seconds
 * as the file says at the moment. The clock that never steps is left alone, as by an NTP daemon.
 */
const LOOK_EVERY_MS = 20

const file = process.env.WALL_CLOCK_FILE ?? ''
const RealDate = Date
let byMs = 0

setInterval(() => {
  byMs = Number(readFileSync(file, 'utf8')) * 1_000
}, LOOK_EVERY_MS).unref()

globalThis.Date = class extends RealDate {
  constructor(...given) {
    if (given.length > 0) super(...given)
    else super(RealDate.now() + byMs)
  }

  static now() {
    return RealDate.now() + byMs
  }
}
