/** The work goes on, but nobody waits for it any more. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError'
}

/** What the work gives, or a DeadlineError after `ms`. A failure that comes later is nobody's. */
export async function withinMs<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new DeadlineError(`no answer within ${ms} ms`)), ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
