import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { tryLock, withLock } from '../../../deploy/local/lock.ts'
import { writePidFile } from '../../../deploy/local/pid-file.ts'
import { ownIdentity } from '../../../deploy/local/process-identity.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lock-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const file = () => join(folder, 'up.lock')

describe('the lock of a stack', () => {
  it('has one holder, whose process is named to the others', () => {
    tryLock(file())

    expect(tryLock(file())).toEqual({ kind: 'held', holder: ownIdentity() })
  })

  it('is free again after its release, and leaves no file', () => {
    const first = tryLock(file())
    if (first.kind === 'acquired') first.lock.release()

    expect(readdirSync(folder)).toEqual([])
    expect(tryLock(file()).kind).toBe('acquired')
  })

  it('is taken over from a process that died with it', () => {
    writePidFile(file(), { pid: process.pid, startedAt: 'long ago' })

    expect(tryLock(file()).kind).toBe('acquired')
    expect(tryLock(file()).kind).toBe('held')
  })

  it('lets one at a time do its work, in spite of errors', async () => {
    let inside = 0
    let insideMax = 0
    const work = async (index: number) => {
      insideMax = Math.max(insideMax, ++inside)
      await Promise.resolve()
      inside--
      if (index === 0) throw new Error('failed')
    }

    const results = await Promise.allSettled(
      [0, 1, 2].map((index) =>
        withLock(file(), { withinMs: 10_000, onWait: () => {} }, () => work(index)),
      ),
    )

    expect(insideMax).toBe(1)
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled'])
  })

  it('is not waited for without end: the holder is named', async () => {
    tryLock(file())

    const waiting = withLock(file(), { withinMs: 0, onWait: () => {} }, async () => {})

    await expect(waiting).rejects.toThrow(`Process ${process.pid} has held ${file()}`)
  })
})
