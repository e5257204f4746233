import { EventEmitter } from 'node:events'
import type { FastifyReply } from 'fastify'
import { describe, expect, it } from 'vitest'
import { createLogScans, type ScanBudget } from '../../../services/console/log-scans.ts'
import { Problem } from '../../../services/console/problem.ts'
import { ManualClock } from '../../support/manual-clock.ts'

/** An answer that is not written yet, and its client. */
function aReply() {
  const raw = Object.assign(new EventEmitter(), { writableFinished: false })
  return { reply: { raw } as unknown as FastifyReply, clientLeaves: () => raw.emit('close') }
}

/** Questions that are answered when the test says so. */
function aSlowQuestion() {
  const answers: (() => void)[] = []
  const budgets: ScanBudget[] = []
  const question = (budget: ScanBudget) => {
    budgets.push(budget)
    return new Promise<string>((resolve) => answers.push(() => resolve('answer')))
  }
  return { question, answers, budgets }
}

describe('questions about the log', () => {
  it('run two at once for a workspace, and the others wait for their turn', async () => {
    const scans = createLogScans(new ManualClock())
    const { question, answers } = aSlowQuestion()
    const asked = [1, 2, 3].map(() => scans.run('kyiv', aReply().reply, question))
    await Promise.resolve()
    await Promise.resolve()
    expect(answers).toHaveLength(2)

    answers[0]?.()
    await asked[0]
    await Promise.resolve()

    expect(answers).toHaveLength(3)
    for (const answer of answers) answer()
    expect(await Promise.all(asked)).toEqual(['answer', 'answer', 'answer'])
  })

  it('are refused when too many wait, and no neighbour is', async () => {
    const scans = createLogScans(new ManualClock())
    const { question } = aSlowQuestion()
    for (let asked = 0; asked < 8; asked += 1) {
      void scans.run('kyiv', aReply().reply, question) // Never answered in this test.
    }

    const ninth = scans.run('kyiv', aReply().reply, question)

    await expect(ninth).rejects.toThrow(Problem)
    await expect(ninth).rejects.toMatchObject({ httpStatus: 429, headers: { 'retry-after': '5' } })
    const neighbours = scans.run('lviv', aReply().reply, async () => 'answer')
    expect(await neighbours).toBe('answer')
  })

  it('end when whoever asked has gone', async () => {
    const scans = createLogScans(new ManualClock())
    const { question, budgets } = aSlowQuestion()
    const { reply, clientLeaves } = aReply()
    void scans.run('kyiv', reply, question) // Never answered in this test.
    await Promise.resolve()

    expect(budgets[0]?.isUsedUp()).toBe(false)
    clientLeaves()

    expect(budgets[0]?.isUsedUp()).toBe(true)
  })

  it('give their turn back when they fail', async () => {
    const scans = createLogScans(new ManualClock())
    const failing = () => scans.run('kyiv', aReply().reply, () => Promise.reject(new Error('away')))

    for (let asked = 0; asked < 9; asked += 1) await expect(failing()).rejects.toThrow('away')

    expect(await scans.run('kyiv', aReply().reply, async () => 'answer')).toBe('answer')
  })
})
