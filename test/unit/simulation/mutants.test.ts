import { describe, expect, it } from 'vitest'
import { mutated, OTHERS, PRODUCERS, RULES } from '../../simulation/mutant-list.ts'

const MUTANTS = [...RULES, ...OTHERS, ...PRODUCERS]

// They are run in the last step of `make test`, half an hour later.
describe('a mutant of the simulation', () => {
  it.each(MUTANTS.map((mutant) => [mutant.name, mutant] as const))(
    '"%s" finds its line',
    (_, mutant) => {
      expect(mutated(mutant).text).toContain(mutant.replace)
    },
  )
})
