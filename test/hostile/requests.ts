/** What an attacker sends, and what it is told. */
export interface Told {
  readonly status: number
  /** Of the problem document, if it names one. */
  readonly reason: string | null
  readonly ms: number
}

/** 0: no answer. */
const NO_ANSWER = 0
/** Longer than any provider waits, so that a late answer is seen as what it is. */
const PATIENCE_MS = 20_000

/** `headers`: all of them, or the content type alone. */
export async function post(
  url: string,
  body: string | Buffer,
  headers: Readonly<Record<string, string>> | string = 'application/json',
): Promise<Told> {
  const startedMs = performance.now()
  const since = () => Math.round(performance.now() - startedMs)
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: typeof headers === 'string' ? { 'content-type': headers } : headers,
      body,
      signal: AbortSignal.timeout(PATIENCE_MS),
    })
    return { status: response.status, reason: reasonIn(await response.text()), ms: since() }
  } catch {
    return { status: NO_ANSWER, reason: null, ms: since() }
  }
}

function reasonIn(text: string): string | null {
  try {
    const { reason } = JSON.parse(text) as { reason?: unknown }
    return typeof reason === 'string' ? reason : null
  } catch {
    return null // a provider's own OK
  }
}

/** Does the work of all of them, at most `atOnce` at a time; answers in their order. */
export async function inTurns<Item, Result>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = []
  let next = 0
  const worker = async () => {
    for (let index = next++; index < items.length; index = next++) {
      results[index] = await work(items[index] as Item)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return results
}

/** How often each status came, `{ '200': 400 }`. */
export function statusesOf(told: readonly Told[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const { status } of told) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

/** Answers that say that something of ours is wrong, or none at all. */
export function faultsIn(told: readonly Told[]): number {
  return told.filter(({ status }) => status === NO_ANSWER || status >= 500).length
}
