import { describe, expect, it } from 'vitest'
import { entriesOf, wordsOf } from '../../runbook/page.ts'

const PAGE = `# A service

## Runbook

The variables:

\`\`\`sh
export A=…
\`\`\`

And the words:

\`\`\`sh
ask() { :; }
\`\`\`

### A lane is stuck

You see it.

Which topic, and \`why\`:
\`\`\`sh
logs | grep a
\`\`\`

1. Or this, in a list:

   \`\`\`sh
   echo 1
   echo 2
   \`\`\`

### Nothing to do

It passes.

## Decisions

\`\`\`sh
not of the runbook
\`\`\`
`

describe('a page of the runbook', () => {
  it('has entries with the commands as they stand, each under the line before it', () => {
    expect(entriesOf(PAGE)).toEqual([
      {
        anchor: 'a-lane-is-stuck',
        blocks: [
          { title: 'Which topic, and `why`', commands: 'logs | grep a\n' },
          { title: '1. Or this, in a list', commands: '   echo 1\n   echo 2\n' },
        ],
      },
      { anchor: 'nothing-to-do', blocks: [] },
    ])
  })

  it('has words that stand right before the first entry', () => {
    expect(wordsOf(PAGE)).toBe('ask() { :; }\n')
  })

  it('is refused where nothing says what commands do', () => {
    expect(() => entriesOf(PAGE.replace('and `why`:', 'and why.'))).toThrow('logs | grep a')
  })
})
