/**
 * The bytes of an answer, or null when there are more. Leaving the loop closes the connection, which
 * is the only way to refuse the rest.
 */
export async function readAtMost(
  body: AsyncIterable<Buffer>,
  bytesMax: number,
): Promise<Buffer | null> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.length
    if (bytes > bytesMax) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
