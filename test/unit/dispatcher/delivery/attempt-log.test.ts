import { describe, expect, it } from 'vitest'
import { AttemptLog } from '../../../../services/dispatcher/delivery/attempt-log.ts'
import { anAttempt, quiet } from '../../../support/builders.ts'
import { FakePool } from '../../../support/fake-pool.ts'
import { quiescence } from '../../../support/manual-clock.ts'
import { refusalsInMemory } from '../../../support/refusals.ts'

const DEAD = { reason: 'rejected', firstFailedAt: null, acceptedAt: 1 }

function aLog(capacity = 10) {
  const postgres = new FakePool()
  const { told, onRefused } = refusalsInMemory()
  return { postgres, told, log: new AttemptLog(postgres.pool, quiet, capacity, onRefused) }
}

describe('attempt log', () => {
  it('writes attempts and then the state of their connections', async () => {
    const { postgres, log } = aLog()
    log.add(anAttempt({ workspaceId: 'kyiv' }))
    log.add(anAttempt({ workspaceId: 'lviv' }))

    await log.flush()

    expect(postgres.statements).toEqual(['delivery_attempts', 'connections'])
    expect(postgres.attempts.map(({ workspaceId }) => workspaceId)).toEqual(['kyiv', 'lviv'])
    expect(log.waiting).toBe(0)
  })

  it('has written attempts down although the state of their connections was not', async () => {
    const { postgres, log } = aLog()
    log.add(anAttempt())
    postgres.brokenTable = 'connections'

    await log.flush()

    expect(postgres.attempts).toHaveLength(1)
    expect(log.waiting).toBe(0)
  })

  it('leaves out alone what Postgres does not take, and holds nobody up', async () => {
    const { postgres, told, log } = aLog(100)
    postgres.refusedWorkspace = 'poison'
    for (let attempt = 1; attempt <= 25; attempt++) log.add(anAttempt({ attempt }))
    log.add(anAttempt({ workspaceId: 'poison', eventId: 'evt_bad', deadLetter: DEAD }))
    for (let attempt = 26; attempt <= 50; attempt++) log.add(anAttempt({ attempt }))

    await log.flush()

    expect(postgres.attempts.map(({ attempt }) => attempt)).toEqual(
      Array.from({ length: 50 }, (_, index) => index + 1),
    )
    expect(log.waiting).toBe(0)
    expect(told).toEqual([
      'insert_dead_letters poison evt_bad',
      'insert_attempts poison evt_bad',
      'connection_health poison',
    ])
  })

  it('writes nothing twice when Postgres goes away between two halves', async () => {
    const { postgres, log } = aLog(100)
    postgres.refusedWorkspace = 'poison'
    log.add(anAttempt({ workspaceId: 'poison' }))
    for (let attempt = 1; attempt <= 7; attempt++) log.add(anAttempt({ attempt }))
    postgres.attemptsUntilAway = 3

    await expect(log.flush()).rejects.toThrow('ECONNREFUSED')
    postgres.attemptsUntilAway = Number.POSITIVE_INFINITY
    await log.flush()

    expect(postgres.attempts.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4, 5, 6, 7])
  })

  it('asks Postgres nothing when there is nothing to write', async () => {
    const { postgres, log } = aLog()

    await log.flush()

    expect(postgres.statements).toEqual([])
  })

  it('keeps what Postgres did not take, in order, and says so', async () => {
    const { postgres, log } = aLog()
    log.add(anAttempt({ attempt: 1 }))
    postgres.isAway = true

    await expect(log.flush()).rejects.toThrow('ECONNREFUSED')
    log.add(anAttempt({ attempt: 2 }))
    postgres.isAway = false
    await log.flush()

    expect(postgres.attempts.map(({ attempt }) => attempt)).toEqual([1, 2])
  })

  it('writes each attempt once, however many ask at the same time', async () => {
    const { postgres, log } = aLog()
    log.add(anAttempt({ attempt: 1 }))

    const first = log.flush()
    log.add(anAttempt({ attempt: 2 }))
    await Promise.all([first, log.flush(), log.flush()])

    expect(postgres.attempts.map(({ attempt }) => attempt)).toEqual([1, 2])
  })

  it('covers what was added before the call, also behind a write that is under way', async () => {
    const { postgres, log } = aLog()
    let open = () => {}
    postgres.gate = new Promise((resolve) => {
      open = resolve
    })
    log.add(anAttempt({ attempt: 1 }))
    void log.flush()
    await quiescence()
    log.add(anAttempt({ attempt: 2 }))

    const second = log.flush()
    open()
    await second

    expect(log.waiting).toBe(0)
  })

  it('is full at its capacity until Postgres has taken something', async () => {
    const { log } = aLog(2)
    log.add(anAttempt())
    expect(log.isFull).toBe(false)
    log.add(anAttempt())
    expect(log.isFull).toBe(true)

    await log.flush()

    expect(log.isFull).toBe(false)
  })

  it('splits a long queue into statements of a bounded size', async () => {
    const { postgres, log } = aLog(10_000)
    for (let attempt = 1; attempt <= 4_500; attempt++) log.add(anAttempt({ attempt }))

    await log.flush()

    expect(postgres.statements.filter((table) => table === 'delivery_attempts')).toHaveLength(3)
    expect(postgres.attempts.map(({ attempt }) => attempt)).toEqual(
      Array.from({ length: 4_500 }, (_, index) => index + 1),
    )
  })
})
