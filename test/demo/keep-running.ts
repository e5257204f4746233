import { startDaemon } from '../../deploy/local/daemon.ts'
import { logFile, pidFile } from '../../deploy/local/profiles.ts'
import { projectPath } from '../../services/shared/project-path.ts'
import { eventually } from '../support/eventually.ts'
import type { Performance } from './perform.ts'
import { PROFILE } from './scene.ts'
import { demoWorkspaces, isDead, NEIGHBOUR } from './workspaces.ts'

/**
 * `KEEP=1`: a receiver of its own takes over the port of the demo's, which ends with this process;
 * everything else stays as it is. Answers what runs where.
 */
export async function keepRunning({
  product,
  receiverPort,
  webhookUrl,
}: Performance): Promise<string> {
  const { env } = product
  const log = logFile(PROFILE, 'receiver')
  await startDaemon({
    label: 'the receiver',
    pidFile: pidFile(PROFILE, 'receiver'),
    logFile: log,
    ports: [receiverPort],
    prepare: () => ({
      file: process.execPath,
      args: ['--import', 'tsx', projectPath('test/demo/kept-receiver.ts'), String(receiverPort)],
      env: { PATH: process.env['PATH'] },
    }),
    probe: () => ping(receiverPort),
    readyWithinMs: 10_000,
  })
  await addSuspendedNeighbour(product, receiverPort)
  const wentThroughMost = demoWorkspaces().find(isDead)?.id ?? NEIGHBOUR
  const rows = [
    ['page', await signInLink(product, wentThroughMost)],
    ['suspended', await signInLink(product, NEIGHBOUR)],
    ['API', `http://127.0.0.1:${env['CONSOLE_PORT']}/openapi.json`],
    ['token', `authorization: Bearer ${env['OPERATOR_TOKEN']}`],
    ['webhooks', `${env['NORMALIZER_PUBLIC_URL']}/hooks/{provider}/{sourceToken}`],
    [
      'receiver',
      `http://127.0.0.1:${receiverPort}/{workspaceId}, now answers 200 to everybody but ${NEIGHBOUR}`,
    ],
    ['deliveries', `tail -f ${log}`],
    ['try', `curl '${webhookUrl}' -d '${call(1)}'`],
    ['stop', '`make down`'],
  ]
  return ['  It all keeps running:', ...rows.map(row), ''].join('\n')
}

/** The first of its two calls uses up all attempts; when the second one fails, too, it is suspended. */
async function addSuspendedNeighbour(
  product: Performance['product'],
  receiverPort: number,
): Promise<void> {
  await product.connect(NEIGHBOUR, `http://127.0.0.1:${receiverPort}/${NEIGHBOUR}`)
  const webhookUrl = await product.addSource(NEIGHBOUR, 'binotel')
  for (const id of [1, 2]) {
    const body = new URLSearchParams(call(id))
    const response = await fetch(webhookUrl, { method: 'POST', body })
    if (!response.ok) throw new Error(`${NEIGHBOUR}: the normalizer answers ${response.status}`)
  }
  const path = `/v1/workspaces/${NEIGHBOUR}/connection`
  await eventually(async () => {
    const { state } = await product.api<{ state: string }>('GET', path)
    if (state !== 'suspended') throw new Error(`${NEIGHBOUR} is ${state}, not suspended`)
  }, SUSPENDED_WITHIN_MS)
}

/** The demo's tiers add up to 7 s and their jitter. */
const SUSPENDED_WITHIN_MS = 20_000

async function signInLink(product: Performance['product'], workspaceId: string): Promise<string> {
  const { url } = await product.api<{ url: string }>(
    'POST',
    `/v1/workspaces/${workspaceId}/portal-links`,
    { expiresInSeconds: SIGN_IN_WITHIN_S },
  )
  return `${url} (${workspaceId}; one use)`
}

const SIGN_IN_WITHIN_S = 86_400

/** What Binotel sends of a missed call, as short as it gets. */
const call = (id: number): string =>
  [
    'requestType=apiCallCompleted',
    `callDetails[generalCallID]=${id}`,
    'callDetails[startTime]=1779803879',
    'callDetails[callType]=0',
    'callDetails[externalNumber]=0671234567',
    'callDetails[disposition]=CANCEL',
  ].join('&')

function row([what = '', where = '']: readonly string[]): string {
  return `    ${what.padEnd(11)} ${where}`
}

async function ping(port: number): Promise<void> {
  const body = JSON.stringify({ event: 'ping' })
  const signal = AbortSignal.timeout(1_000)
  const response = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body, signal })
  if (!response.ok) throw new Error(`the receiver answers ${response.status}`)
}
