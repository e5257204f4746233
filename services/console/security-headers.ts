import helmet from '@fastify/helmet'
import type { ConsoleApp, ConsoleDeps } from './console-app.ts'
import { isHttps } from './session-cookie.ts'

/**
 * What a browser may do with our pages: load only what is ours, run nothing that stands in the
 * page itself, and show them in frames of the configured sites only.
 */
export async function addSecurityHeaders(
  app: ConsoleApp,
  { publicUrl, frameOrigins }: Pick<ConsoleDeps, 'publicUrl' | 'frameOrigins'>,
): Promise<void> {
  const isFramed = frameOrigins.length > 0
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        'default-src': ["'self'"],
        'img-src': ["'self'", 'data:'],
        'connect-src': ["'self'"],
        'object-src': ["'none'"],
        'base-uri': ["'none'"],
        'form-action': ["'self'"],
        'frame-ancestors': isFramed ? [...frameOrigins] : ["'none'"],
      },
    },
    // It knows no list of origins, and would forbid what frame-ancestors allows.
    frameguard: isFramed ? false : { action: 'deny' },
    hsts: isHttps(publicUrl),
    referrerPolicy: { policy: 'no-referrer' },
  })
}
