import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { projectPath } from './project-path.ts'

/** Version of the product, from package.json. */
export const VERSION = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(projectPath('package.json'), 'utf8'))).version

/** How we name ourselves to a customer's endpoint. */
export const USER_AGENT = `call-webhook/${VERSION}`
