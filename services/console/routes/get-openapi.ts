import type { ConsoleApp } from '../console-app.ts'

/** The description of this API, made from the schemas that check requests and answers. */
export function getOpenapi(app: ConsoleApp): void {
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger())
}
