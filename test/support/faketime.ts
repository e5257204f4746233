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

/** Out of Debian's package, unpacked into `.local/servers/` and not installed; never throws. */
export async function findFaketime(): Promise<Found<Faketime>> {
  try {
    const folder = await fetchedOnce('libfaketime-debian', unpackPackage, () => undefined)
    return { library: join(folder, LIBRARY) }
  } catch (error) {
    return { missing: error instanceof Error ? error.message : String(error) }
  }
}

async function unpackPackage(folder: string): Promise<void> {
  await unpackDebianPackages(folder, ['libfaketime'])
  const lib = join(folder, 'usr', 'lib')
  const found = (await readdir(lib))
    .map((machine) => join(lib, machine, 'faketime', LIBRARY))
    .find((file) => existsSync(file))
  if (found === undefined) throw new Error(`the package has no ${LIBRARY}`)
  renameSync(found, join(folder, LIBRARY))
  rmSync(join(folder, 'usr'), { recursive: true })
}
