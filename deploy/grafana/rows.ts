import type { RowSource } from './row-source.ts'
import { ENDPOINTS } from './rows/endpoints.ts'
import { HEALTHY } from './rows/healthy.ts'
import { RESOURCES } from './rows/resources.ts'
import { WAITING } from './rows/waiting.ts'

/** What the dashboard shows: the source of `dashboards/call-webhook.json`, made by `npm run dashboard`. */
export const ROWS: readonly RowSource[] = [HEALTHY, WAITING, ENDPOINTS, RESOURCES]

/** Words of the closed sets that mean well or ill; the others get a colour of the palette. */
export const COLOURS: Readonly<Record<string, string>> = {
  delivered: 'green',
  connected: 'green',
  retrying: 'yellow',
  failing: 'yellow',
  parked: 'yellow',
  dead_lettered: 'red',
  suspended: 'purple',
  disconnected: 'text',
}
