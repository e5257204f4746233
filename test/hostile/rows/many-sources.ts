import { inTurns, post, statusesOf, type Told } from '../requests.ts'
import { atMost, claim, type Row } from '../row.ts'
import type { Site } from '../site.ts'

const SOURCES_MAX = 50
const BEYOND = 10
/** 1,000 lines of staff of 20 digits each, twice. */
const LARGE_SETTINGS = {
  internalLines: Array.from({ length: 1_000 }, (_, index) => String(10 ** 19 + index).slice(0, 20)),
  companyNumbers: Array.from({ length: 1_000 }, (_, index) => String(2 * 10 ** 19 + index)),
}
const LIST_BYTES_MAX = 2_000_000
const MEMORY_MB_MAX = 150

/** Nothing bounded how much a workspace may have us remember. */
export const manySources: Row = {
  number: 14,
  title: 'sources and their settings are bounded, per workspace',
  async attack(site) {
    const { workspaceId } = await site.attacker()
    const large = await addSource(site, workspaceId, LARGE_SETTINGS)
    const told = await inTurns([...Array(SOURCES_MAX + BEYOND).keys()], 5, () =>
      addSource(site, workspaceId, {}),
    )
    const list = await listOf(site, workspaceId)
    return [
      claim('answer to settings of 46 KB', large.status, 422),
      claim('answers to sources', statusesOf(told), { 201: SOURCES_MAX, 409: BEYOND }),
      atMost('bytes of the list', list.bytes, LIST_BYTES_MAX),
      atMost('memory of the console, MB', list.rssMb, MEMORY_MB_MAX),
    ]
  },
}

function pathOf(site: Site, workspaceId: string): string {
  const origin = `http://127.0.0.1:${site.product.env['CONSOLE_PORT']}`
  return `${origin}/v1/workspaces/${workspaceId}/sources`
}

function authorization(site: Site) {
  return { authorization: `Bearer ${site.product.env['OPERATOR_TOKEN']}` }
}

async function addSource(site: Site, workspaceId: string, settings: object): Promise<Told> {
  const body = JSON.stringify({ provider: 'stream-telecom', settings })
  const headers = { ...authorization(site), 'content-type': 'application/json' }
  return post(pathOf(site, workspaceId), body, headers)
}

async function listOf(site: Site, workspaceId: string): Promise<{ bytes: number; rssMb: number }> {
  const before = await site.consoleRssMb()
  const response = await fetch(pathOf(site, workspaceId), { headers: authorization(site) })
  const bytes = (await response.arrayBuffer()).byteLength
  return { bytes, rssMb: (await site.consoleRssMb()) - before }
}
