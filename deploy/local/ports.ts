import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { HOST } from './profiles.ts'
import { StackError } from './stack-error.ts'

/**
 * Checked before a server starts: a port in use must be told with the name of who uses it. The
 * server itself would only write "address in use" into its log, and a readiness probe could take
 * the stranger's answer for ours.
 *
 * @throws StackError which names the port, its use, the process that has it and what to do.
 */
export async function requireFreePort(port: number, use: string): Promise<void> {
  if (await isFree(port)) return
  const holder = portHolder(port)
  const who = holder ? `process ${holder.pid} (${holder.command})` : 'another process'
  throw new StackError(
    `Port ${port}, needed for ${use}, is taken by ${who}: stop it and try again` +
      ' (`make down` there, if it is the stack of another clone).',
  )
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false)
      else reject(error)
    })
    server.listen({ port, host: HOST, exclusive: true }, () => server.close(() => resolve(true)))
  })
}

interface PortHolder {
  readonly pid: number
  readonly command: string
}

/** Null where the system does not tell, for instance because the process is another user's. */
function portHolder(port: number): PortHolder | null {
  return existsSync('/proc/net/tcp') ? holderFromProc(port) : holderFromLsof(port)
}

function holderFromProc(port: number): PortHolder | null {
  const sockets = new Set(
    ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) => listeningSockets(table, port)),
  )
  for (const pid of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    if (openFiles(pid).some((file) => sockets.has(file))) {
      return { pid: Number(pid), command: commandOf(pid) }
    }
  }
  return null
}

/** Rows of proc(5) `net/tcp`: local address in hexadecimal, state (0A is "listening"), …, inode. */
function listeningSockets(table: string, port: number): string[] {
  if (!existsSync(table)) return []
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return readFileSync(table, 'utf8')
    .split('\n')
    .map((row) => row.trim().split(/\s+/))
    .filter(([, local, , state]) => state === '0A' && local?.endsWith(suffix))
    .map((fields) => `socket:[${fields[9]}]`)
}

function openFiles(pid: string): string[] {
  const folder = `/proc/${pid}/fd`
  try {
    return readdirSync(folder).map((entry) => {
      try {
        return readlinkSync(`${folder}/${entry}`)
      } catch {
        return '' // closed since it was listed
      }
    })
  } catch {
    return [] // ended since it was listed, or not ours to look at
  }
}

const COMMAND_LENGTH_MAX = 80

function commandOf(pid: string): string {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
    return words.join(' ').trim().slice(0, COMMAND_LENGTH_MAX)
  } catch {
    return 'command unknown'
  }
}

function holderFromLsof(port: number): PortHolder | null {
  try {
    const fields = execFileSync('lsof', ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-Fpc'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).split('\n')
    const pid = fields.find((field) => field.startsWith('p'))?.slice(1)
    const command = fields.find((field) => field.startsWith('c'))?.slice(1)
    return pid === undefined ? null : { pid: Number(pid), command: command ?? 'command unknown' }
  } catch {
    return null // not installed, or nothing to be seen
  }
}
