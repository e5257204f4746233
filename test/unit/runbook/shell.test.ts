import { describe, expect, it } from 'vitest'
import { startHands } from '../../runbook/hands.ts'
import { runCommands } from '../../runbook/shell.ts'

const env = { PATH: process.env['PATH'] ?? '' }

describe('commands of a page', () => {
  it('end with what their last one ends with, and print both outputs', async () => {
    const ran = await runCommands('echo out\necho err >&2\n', { preamble: '', env })

    expect(ran).toEqual({
      exitCode: 0,
      printed: expect.stringMatching(/out[\s\S]*err|err[\s\S]*out/),
    })
  })

  it.each([
    ['a command that fails', 'false\necho on'],
    ['a failure within a pipe', 'false | cat\necho on'],
    ['a variable that is not set', 'echo "$NOBODY_SETS_IT"\necho on'],
  ])('end at %s', async (_what, commands) => {
    const ran = await runCommands(commands, { preamble: '', env })

    expect(ran.exitCode).not.toBe(0)
    expect(ran.printed).not.toContain('on\n')
  })

  it('hand the words of a program that is not here over as they are, and print its answer', async () => {
    const hands = await startHands({ 'kafka-topics.sh': async (words) => words.join('|') })

    const said = await runCommands(`kafka-topics.sh --topic 'a b' "" $'c\\nd'`, {
      preamble: hands.preamble,
      env,
    })
    await hands.close()

    expect(said).toEqual({ exitCode: 0, printed: '--topic|a b||c\nd\n' })
  })

  it('fail with words that are not known', async () => {
    const hands = await startHands({
      kubectl: async () => {
        throw new Error('not known here')
      },
    })

    const said = await runCommands('kubectl delete everything', { preamble: hands.preamble, env })
    await hands.close()

    expect(said.exitCode).toBe(22)
    expect(said.printed).toContain('not known here')
  })
})
