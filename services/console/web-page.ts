import { existsSync } from 'node:fs'
import { join, sep } from 'node:path'
import fastifyStatic from '@fastify/static'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ConsoleApp, ConsoleDeps } from './console-app.ts'

/** Names of files below `assets/` hold a hash of their content, so they never change. */
const FOR_EVER = 'public, max-age=31536000, immutable'
const ASK_EACH_TIME = 'no-cache'

/** Paths of the API: never a page, whatever the client accepts. */
const NO_PAGE = /^\/(v1|portal|docs|assets|openapi\.json)(\/|$)/

/**
 * Serves the page that the web build has written. Paths that the page itself understands
 * (`/deliveries`) are no files: `sendPage` answers them with `index.html`.
 */
export async function serveWebPage(
  app: ConsoleApp,
  { webRoot, logger }: Pick<ConsoleDeps, 'webRoot' | 'logger'>,
): Promise<void> {
  const isBuilt = existsSync(join(webRoot, 'index.html'))
  if (!isBuilt) {
    logger.warn({ webRoot, detail: '`npm run build` makes it' }, 'page.missing')
    return
  }
  const assets = join(webRoot, 'assets') + sep
  await app.register(fastifyStatic, {
    root: webRoot,
    // The build may put a .br or .gz beside a file.
    preCompressed: true,
    cacheControl: false,
    schemaHide: true,
    setHeaders: (reply, path) => {
      reply.header('cache-control', path.startsWith(assets) ? FOR_EVER : ASK_EACH_TIME)
    },
  })
}

/** Whether a browser asks for a page, at a path that may be one of the page's own. */
export function isForPage({ method, url, headers }: FastifyRequest): boolean {
  const [path = ''] = url.split('?')
  const takesPage = headers.accept?.includes('text/html') ?? false
  return method === 'GET' && takesPage && !NO_PAGE.test(path)
}

/** Whether there is a page to send. */
export function sendPage(reply: FastifyReply): boolean {
  if (!('sendFile' in reply)) return false
  void reply.code(200).sendFile('index.html') // Fastify sends it, errors included.
  return true
}
