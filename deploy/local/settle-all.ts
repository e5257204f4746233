import { StackError } from './stack-error.ts'

/**
 * Waits for all, then throws if any failed: a caller that cleans up must not do so while others are
 * still starting, and two mistakes are told at once.
 */
export async function settleAll(work: readonly Promise<unknown>[]): Promise<void> {
  const results = await Promise.allSettled(work)
  const errors = results.flatMap((result) =>
    result.status === 'rejected' ? [result.reason as unknown] : [],
  )
  const defect = errors.find((error) => !(error instanceof StackError))
  if (defect !== undefined) throw defect
  if (errors.length > 0) throw new StackError(errors.map(String).join('\n\n'))
}
