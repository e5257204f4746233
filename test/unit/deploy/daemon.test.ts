import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  type DaemonSpec,
  freezeDaemon,
  startDaemon,
  stopDaemon,
  thawDaemon,
} from '../../../deploy/local/daemon.ts'
import { readPidFile, writePidFile } from '../../../deploy/local/pid-file.ts'
import {
  identify,
  isFrozen,
  isRunning,
  ownIdentity,
} from '../../../deploy/local/process-identity.ts'

const STOP = { signal: 'SIGTERM', withinMs: 5_000 } as const

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'daemon-'))
})
afterEach(async () => {
  await stopDaemon(pidFile(), { signal: 'SIGKILL', withinMs: 5_000 }).catch(() => {})
  rmSync(folder, { recursive: true, force: true })
})

const pidFile = () => join(folder, 'pids', 'example.json')
const logFile = () => join(folder, 'logs', 'example.log')

/** Runs `program` with node; "serves" once the program has written `ready` into its log. */
function aDaemon(program: string, overrides: Partial<DaemonSpec> = {}): DaemonSpec {
  return {
    label: 'the example',
    pidFile: pidFile(),
    logFile: logFile(),
    ports: [],
    prepare: () => ({ file: process.execPath, args: ['-e', program], env: {} }),
    async probe() {
      if (!readFileSync(logFile(), 'utf8').includes('ready')) throw new Error('not ready')
    },
    readyWithinMs: 10_000,
    ...overrides,
  }
}

const SERVES = 'console.log("ready"); setInterval(() => {}, 1000)'

describe('a daemon', () => {
  it('is started once: the second start finds it and changes nothing', async () => {
    const first = await startDaemon(aDaemon(SERVES))

    const second = await startDaemon(aDaemon('throw new Error("started twice")'))

    expect(first.alreadyRunning).toBe(false)
    expect(second).toMatchObject({ alreadyRunning: true, identity: first.identity })
  })

  it('leads a group of its own, so that Ctrl-C in the terminal does not reach it', async () => {
    const { identity } = await startDaemon(aDaemon(SERVES))

    expect(() => process.kill(-identity.pid, 0)).not.toThrow()
  })

  it('is gone after a stop, and so is its pid file', async () => {
    const { identity, exited } = await startDaemon(aDaemon(SERVES))

    expect(await stopDaemon(pidFile(), STOP)).toBe('stopped')
    expect(isRunning(identity)).toBe(false)
    expect(readPidFile(pidFile())).toBeNull()
    expect(await exited).toEqual({ exitCode: null, signal: 'SIGTERM' })
  })

  it('that ignores SIGTERM is killed after the bound', async () => {
    const { identity } = await startDaemon(aDaemon(`process.on("SIGTERM", () => {}); ${SERVES}`))

    expect(await stopDaemon(pidFile(), { signal: 'SIGTERM', withinMs: 100 })).toBe('killed')
    expect(isRunning(identity)).toBe(false)
  })

  it('that is frozen keeps running without a turn, and goes on when it is thawed', async () => {
    const { identity } = await startDaemon(aDaemon(SERVES))

    await freezeDaemon(pidFile())
    expect([isRunning(identity), isFrozen(identity)]).toEqual([true, true])
    await thawDaemon(pidFile())
    expect([isRunning(identity), isFrozen(identity)]).toEqual([true, false])
  })

  it('that is frozen stops in order all the same', async () => {
    const { exited } = await startDaemon(aDaemon(SERVES))
    await freezeDaemon(pidFile())

    expect(await stopDaemon(pidFile(), STOP)).toBe('stopped')
    expect(await exited).toEqual({ exitCode: null, signal: 'SIGTERM' })
  })

  it('that does not run can be neither frozen nor thawed', async () => {
    await expect(freezeDaemon(pidFile())).rejects.toThrow('no running process')
    await expect(thawDaemon(pidFile())).rejects.toThrow('no running process')
  })

  it('that was killed is started again, and the log of its last run is kept', async () => {
    const first = await startDaemon(aDaemon(`console.log("first"); ${SERVES}`))
    process.kill(first.identity.pid, 'SIGKILL')
    await first.exited

    const second = await startDaemon(aDaemon(SERVES))

    expect(second.alreadyRunning).toBe(false)
    expect(readFileSync(`${logFile()}.1`, 'utf8')).toContain('first')
  })

  it('is never confused with another program that got its pid', async () => {
    writePidFile(pidFile(), { pid: process.pid, startedAt: 'long ago' })

    expect(await stopDaemon(pidFile(), STOP)).toBe('not-running')
    expect(identify(process.pid)).toEqual(ownIdentity())
  })

  it('that ends early is told with its exit code and the end of its log', async () => {
    const start = startDaemon(aDaemon('console.error("SECRETS_KEY is required"); process.exit(78)'))

    await expect(start).rejects.toThrow(/exit code 78[\s\S]*SECRETS_KEY is required/)
    expect(readPidFile(pidFile())).toBeNull()
  })

  it('that does not serve in time is told with the reason and not left behind', async () => {
    let pid = 0
    const probe = async () => {
      pid = readPidFile(pidFile())?.pid ?? pid
      throw new Error('the registry is away')
    }

    const start = startDaemon(aDaemon(SERVES, { probe, readyWithinMs: 50 }))

    await expect(start).rejects.toThrow('did not serve within 0.05 s (the registry is away)')
    expect(identify(pid)).toBeNull()
  })

  it('is not started when its port is taken: port, use and holder are named', async () => {
    const holder = createServer()
    const port = await new Promise<number>((resolve) => {
      holder.listen(0, '127.0.0.1', () => resolve(portOf(holder.address())))
    })

    const start = startDaemon(aDaemon(SERVES, { ports: [port] }))

    await expect(start).rejects.toThrow(
      new RegExp(`Port ${port}, needed for the example, is taken by process ${process.pid} \\(`),
    )
    holder.close()
  })

  it('with an unreadable pid file is neither started nor stopped: a person has to look', async () => {
    await startDaemon(aDaemon(SERVES))
    const good = readFileSync(pidFile())
    writeFileSync(pidFile(), 'garbage')

    await expect(startDaemon(aDaemon(SERVES))).rejects.toThrow(`${pidFile()} names no process`)
    await expect(stopDaemon(pidFile(), STOP)).rejects.toThrow(`${pidFile()} names no process`)
    writeFileSync(pidFile(), good)
  })
})

function portOf(address: ReturnType<ReturnType<typeof createServer>['address']>): number {
  return typeof address === 'object' && address !== null ? address.port : 0
}
