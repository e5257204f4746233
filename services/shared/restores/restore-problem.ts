/**
 * What a service finds of a store that was restored, or made anew, behind its back. The same word in log,
 * metric and page; a person confirms each by a command, and until then nobody guesses.
 */
export const RESTORE_PROBLEMS = ['kafka_recreated', 'postgres_restored'] as const

export type RestoreProblem = (typeof RESTORE_PROBLEMS)[number]

const SAYS: Readonly<Record<RestoreProblem, string>> = {
  kafka_recreated:
    'Topics were deleted and made anew, with calls in them that waited. Nothing is delivered until somebody has run `npm run after-restore -- --kafka`',
  postgres_restored:
    'The database is an older copy. Nothing is delivered until somebody has run `npm run after-restore -- --postgres`',
}

/** With what was found, such as the names of topics. */
export function restoreSentence(problem: RestoreProblem, about: readonly string[]): string {
  const found = about.length > 0 ? ` (${about.join(', ')})` : ''
  return `${problem}: ${SAYS[problem]}: see deploy/README.md, "Restores"${found}`
}

/** Ends a service that cannot wait while it runs. Started again it waits. */
export class RestoreError extends Error {
  override readonly name = 'RestoreError'
  readonly problem: RestoreProblem

  constructor(problem: RestoreProblem, about: readonly string[]) {
    super(restoreSentence(problem, about))
    this.problem = problem
  }
}
