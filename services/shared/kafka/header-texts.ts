import type { KafkaMessage } from 'kafkajs'

/** Headers as text; all of ours are. */
export function headerTexts(headers: KafkaMessage['headers']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers ?? {}).map(([name, header]) => [name, String(header)]),
  )
}
