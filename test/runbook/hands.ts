import { createServer, type IncomingMessage } from 'node:http'
import { HOST } from '../../deploy/local/profiles.ts'
import { freePorts } from '../support/product.ts'

/**
 * Does what the commands of a page ask of programs that are not here: each is a function of its name
 * in bash that hands its words over, and prints the answer. Words that are not known end the command
 * with 22, as `curl` does, rather than being left out.
 */
export type Program = (words: readonly string[]) => Promise<string>

export interface Hands {
  /** Definitions for bash, to be read before the commands. */
  readonly preamble: string
  close(): Promise<void>
}

export async function startHands(programs: Readonly<Record<string, Program>>): Promise<Hands> {
  const [port = 0] = await freePorts(1)
  const server = createServer((request, response) => {
    obey(programs, request).then(
      (answer) => response.end(answer),
      (error: Error) => response.writeHead(400).end(`${error.message}\n`),
    )
  })
  await new Promise<void>((resolve) => server.listen(port, HOST, resolve))
  return {
    preamble: Object.keys(programs)
      .map((name) => bashFunction(name, `http://${HOST}:${port}/${name}`))
      .join('\n'),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function bashFunction(name: string, url: string): string {
  const post = `command curl -sS --fail-with-body --data-binary @- ${url}`
  return `${name}() { printf '%s\\0' "$@" | ${post}; }`
}

async function obey(
  programs: Readonly<Record<string, Program>>,
  request: IncomingMessage,
): Promise<string> {
  const name = (request.url ?? '/').slice(1)
  const program = programs[name]
  if (program === undefined) throw new Error(`there is no program ${name}`)
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const words = Buffer.concat(chunks).toString('utf8').split('\0').slice(0, -1)
  const answer = await program(words)
  return answer === '' || answer.endsWith('\n') ? answer : `${answer}\n`
}
