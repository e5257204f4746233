import { existsSync, renameSync, rmSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { unpackDebianPackages } from '../../deploy/local/debian-packages.ts'
import { fetchedOnce } from '../../deploy/local/downloads.ts'
import type { Found } from '../../deploy/local/found.ts'

/** Absolute path of a library that a process is started with, so that libc tells it another time. */
export interface Faketime {
  readonly library: string
}

/** The one with threads: libuv has some. */
const LIBRARY = 'libfaketimeMT.so.1'

/** Asked for once: without Debian, each try would wait for a network that is not there. */
let found: Promise<Found<Faketime>> | null = null

/** Out of Debian's package, unpacked into `.local/servers/` and not installed; never throws. */
export function findFaketime(): Promise<Found<Faketime>> {
  found ??= fetchedOnce('libfaketime-debian', unpackPackage, () => undefined).then(
    (folder) => ({ library: join(folder, LIBRARY) }),
    (error: Error) => ({ missing: error.message }),
  )
  return found
}

async function unpackPackage(folder: string): Promise<void> {
  await unpackDebianPackages(folder, ['libfaketime'])
  const lib = join(folder, 'usr', 'lib')
  const library = (await readdir(lib))
    .map((machine) => join(lib, machine, 'faketime', LIBRARY))
    .find((file) => existsSync(file))
  if (library === undefined) throw new Error(`the package has no ${LIBRARY}`)
  renameSync(library, join(folder, LIBRARY))
  rmSync(join(folder, 'usr'), { recursive: true })
}
