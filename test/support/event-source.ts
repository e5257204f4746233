import { onTestFinished } from 'vitest'

/** What a browser's `EventSource` does: one request whose answer is read for as long as it lasts. */
export interface EventSourceReader {
  readonly status: number
  readonly contentType: string | null
  /** All `data:` so far, parsed. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into data of every shape
  readonly data: any[]
  readonly isEnded: boolean
}

/** Reads until the server ends the answer, or the test is over. */
export async function followEvents(
  url: string,
  headers: Readonly<Record<string, string>>,
): Promise<EventSourceReader> {
  const leaving = new AbortController()
  onTestFinished(() => leaving.abort())
  const answer = await fetch(url, { headers: { ...headers }, signal: leaving.signal })
  const reader = {
    status: answer.status,
    contentType: answer.headers.get('content-type'),
    data: [] as unknown[],
    isEnded: false,
  }
  void readInto(reader, answer).catch(() => undefined) // It ends with the test.
  return reader
}

async function readInto(
  reader: { data: unknown[]; isEnded: boolean },
  answer: Response,
): Promise<void> {
  let unread = ''
  for await (const chunk of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const messages = (unread + chunk).split('\n\n')
    unread = messages.pop() ?? ''
    for (const line of messages.flatMap((message) => message.split('\n'))) {
      if (line.startsWith('data: ')) reader.data.push(JSON.parse(line.slice('data: '.length)))
    }
  }
  reader.isEnded = true
}
