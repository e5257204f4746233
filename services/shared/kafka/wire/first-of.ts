/**
 * The first good answer of several who could give it. The next one is asked when the one before has
 * failed, or has let `patienceMs` pass: a broker that is about to stop holds nobody up then. Rejects
 * with the last failure when all have failed.
 */
export function firstOf<T>(asks: readonly (() => Promise<T>)[], patienceMs: number): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    let asked = 0
    let failed = 0
    let timer: NodeJS.Timeout | undefined

    function askNext(): void {
      clearTimeout(timer)
      const ask = asks[asked]
      if (!ask) return
      asked++
      timer = setTimeout(askNext, patienceMs)
      ask().then(done, fail)
    }

    function done(answer: T): void {
      asked = asks.length
      clearTimeout(timer)
      resolve(answer)
    }

    function fail(error: unknown): void {
      failed++
      if (failed < asks.length) askNext()
      else {
        clearTimeout(timer)
        reject(error)
      }
    }

    if (asks.length === 0) reject(new Error('there is nobody to ask'))
    askNext()
  })
}
