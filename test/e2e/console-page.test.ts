import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { accessibilityViolations, screenshot, startBrowser } from '../support/browser.ts'
import { CustomerEndpoint } from '../support/customer-endpoint.ts'
import { eventually } from '../support/eventually.ts'
import { Rig } from '../support/rig.ts'
import { freshDatabase, freshPrefix, testStack } from '../support/stack.ts'

/**
 * What the page promises: find the tile, paste URL and password, hit Connect. Then everything that
 * goes wrong in life, seen by somebody who has only this page and a real browser:
 *
 *   call      1        2          3            4           5
 *             arrives  given up   suspended    (in the gap) live after the reconnect, then 3 and 4
 *
 * The steps are one story, each begins where the one before ended.
 */
describe('the page, from the first click to the back-fill', () => {
  const workspaceId = 'ws-story'
  let rig: Rig
  let endpoint: CustomerEndpoint
  let browser: Browser
  let page: Page

  beforeAll(async () => {
    endpoint = await new CustomerEndpoint().start()
    rig = await Rig.open({
      stack: testStack().env,
      databaseUrl: await freshDatabase(),
      topicPrefix: freshPrefix(),
      env: { DISPATCHER_RETRY_TIERS: '2s,3s', DISPATCHER_REQUEST_TIMEOUT_MS: '1500' },
    })
    await rig.startDispatcher()
    await rig.product.api('PUT', `/v1/workspaces/${workspaceId}`, { name: 'ТОВ «Їжак»' })
    browser = await startBrowser()
    const context = await browser.newContext({
      locale: 'en-GB',
      viewport: { width: 1_280, height: 900 },
    })
    page = await context.newPage()
    page.setDefaultTimeout(20_000)
  })
  afterAll(async () => {
    await browser.close()
    await rig.close()
    await endpoint.stop()
  })

  const sees = (text: string | RegExp) => page.getByText(text).first().waitFor()
  const goTo = (screen: string) =>
    page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: screen }).click()
  const isInState = (name: string) =>
    page
      .getByRole('region', { name: 'Call Webhook' })
      .getByText(name, { exact: true })
      .first()
      .waitFor()
  const numbers = () => endpoint.taken.map(({ providerCallId }) => providerCallId)

  async function tryToConnect(url: string, password: string): Promise<void> {
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('URL').fill(url)
    await dialog.getByLabel('Password', { exact: false }).first().fill(password)
    await dialog.getByRole('button', { name: 'Connect' }).click()
  }

  it('opens by a sign-in link, which works once', async () => {
    const { url } = await rig.product.api<{ url: string }>(
      'POST',
      `/v1/workspaces/${workspaceId}/portal-links`,
      {},
    )

    await page.goto(url)

    await page.getByRole('heading', { name: 'Integrations' }).waitFor()
    expect(new URL(page.url()).pathname).toBe('/')
    expect((await fetch(url, { redirect: 'manual' })).status).toBe(410)
    await screenshot(page, 'story-1-not-connected')
  })

  it('says what is wrong with a path, a password and a slow endpoint', async () => {
    await page.getByRole('button', { name: 'Connect' }).first().click()

    await tryToConnect(endpoint.url('/wrong'), CustomerEndpoint.PASSWORD)
    await sees('Nothing at this path (404)')
    await tryToConnect(endpoint.url('/hook'), 'wrong')
    await sees('Wrong password (401 or 403)')
    await tryToConnect(endpoint.url('/slow'), CustomerEndpoint.PASSWORD)
    await sees('No answer within 5 seconds')
    await screenshot(page, 'story-2-ping-failed')
  })

  it('turns green with the right ones', async () => {
    await tryToConnect(endpoint.url('/hook'), CustomerEndpoint.PASSWORD)

    await page.getByRole('dialog').getByText('Signing secret').first().waitFor()
    await page.getByRole('button', { name: 'Done' }).click()
    await isInState('Connected')
    await sees(endpoint.url('/hook'))
    await screenshot(page, 'story-3-connected')
  })

  it('shows the first call by itself', async () => {
    await goTo('Deliveries')
    await sees('Live')

    await rig.load.append(workspaceId)

    await page.getByRole('row', { name: /Delivered/ }).waitFor()
    expect(numbers()).toEqual(['1'])
  })

  it('says that the endpoint fails, and that we stop after the last attempt', async () => {
    endpoint.isDown = true
    await goTo('Integrations')

    await rig.load.append(workspaceId)

    await isInState('Failing')
    await sees(/Your endpoint failed \(5xx\)/)
    await rig.load.append(workspaceId)
    await goTo('Queue')
    await sees('One call holds up the others')
    await screenshot(page, 'story-4-queue')
    await goTo('Integrations')
    await isInState('Suspended')
    await sees(/MAX_RETRIES_EXCEEDED/)
    await screenshot(page, 'story-5-suspended')
  }, 60_000)

  it('delivers only new calls after the reconnect', async () => {
    await rig.load.append(workspaceId)
    await rig.untilSettled()
    endpoint.isDown = false

    await page.getByRole('button', { name: 'Reconnect' }).click()
    await isInState('Connected')
    await rig.load.append(workspaceId)

    await eventually(() => expect(numbers()).toEqual(['1', '5']))
  }, 60_000)

  it('sends again what was given up', async () => {
    await goTo('Missed calls')
    await page.getByRole('button', { name: 'Resend' }).click()

    await eventually(() => expect(numbers()).toEqual(['1', '5', '2']))
    await sees('Sent again')
  }, 60_000)

  it('delivers what was missed, in order', async () => {
    await page.getByRole('button', { name: 'Deliver', exact: true }).first().click()
    await page.getByRole('button', { name: 'Deliver', exact: true }).last().click()

    await eventually(() => expect(numbers()).toEqual(['1', '5', '2', '3', '4']))
    await sees('Delivered later')
    await screenshot(page, 'story-6-back-filled')
  }, 60_000)

  it('disconnects after saying what that means', async () => {
    await goTo('Integrations')
    await page.getByRole('button', { name: 'Actions of the connection' }).click()
    await page.getByRole('menuitem', { name: 'Disconnect' }).click()
    await sees('URL, password and signing secret are forgotten.')
    await page.getByRole('dialog').getByRole('button', { name: 'Disconnect' }).click()

    await isInState('Not connected')
    expect(await rig.connectionState(workspaceId)).toBe('disconnected')
  })

  it.each(['Integrations', 'Deliveries', 'Queue', 'Missed calls', 'Sources', 'Developers'])(
    'is open to everybody: %s has no violation of axe, on a desk and on a phone',
    async (screen) => {
      for (const width of [1_280, 360]) {
        await page.setViewportSize({ width, height: 800 })
        await goTo(screen)
        await page.getByRole('heading', { level: 1 }).first().waitFor()
        await page.waitForLoadState('networkidle').catch(() => undefined)
        expect(await accessibilityViolations(page)).toEqual([])
        const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
        expect(overflow).toBeLessThanOrEqual(0)
      }
    },
    60_000,
  )
})
