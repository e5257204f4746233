import { mkdir, readFile } from 'node:fs/promises'
import type { Browser, Page } from 'playwright-core'
import { startBrowser } from '../browser.ts'
import { type FakeApi, startFakeApi } from './fake-api.ts'
import type { SceneName } from './scenes.ts'

/**
 * Pictures of sign-in, tile and sources for people to look at, and axe over each: light, dark, 360 px and in
 * Ukrainian. `npx tsx test/support/console-page/screenshots.ts [part of a name]`; build first.
 */

const FOLDER = new URL('../../../test-output/screenshots/', import.meta.url).pathname
const AXE = new URL('../../../node_modules/axe-core/axe.min.js', import.meta.url).pathname

interface Shot {
  readonly name: string
  readonly scene: SceneName | 'signed-out'
  readonly path: string
  /** What is done on the page before the picture. */
  readonly act?: (page: Page) => Promise<void>
}

const click = (name: string | RegExp) => (page: Page) =>
  page.getByRole('button', { name }).first().click()

const SHOTS: readonly Shot[] = [
  { name: 'sign-in', scene: 'signed-out', path: '/' },
  ...(['connected', 'failing', 'suspended', 'disconnected', 'empty', 'error'] as const).map(
    (scene) => ({ name: `tile-${scene}`, scene, path: '/' }),
  ),
  { name: 'tile-menu', scene: 'connected', path: '/', act: click(/Actions|Дії/) },
  { name: 'connect-form', scene: 'empty', path: '/', act: click(/^(Connect|Підключити)$/) },
  {
    name: 'connect-refused',
    scene: 'empty',
    path: '/',
    act: connectTo('https://acme.example/404'),
  },
  {
    name: 'connect-password',
    scene: 'empty',
    path: '/',
    act: connectTo('https://acme.example/401'),
  },
  { name: 'connect-done', scene: 'empty', path: '/', act: connectTo('https://acme.example/calls') },
  { name: 'disconnect', scene: 'connected', path: '/', act: disconnect },
  { name: 'settings', scene: 'connected', path: '/', act: chooseMenu(/^(Settings|Налаштування)$/) },
  { name: 'test-event', scene: 'connected', path: '/', act: chooseMenu(/test event|тестову/) },
  ...(['connected', 'empty', 'error'] as const).map((scene) => ({
    name: `sources-${scene}`,
    scene,
    path: '/sources',
  })),
  { name: 'source-choose', scene: 'connected', path: '/sources', act: click(/^(Add a|Додати)/) },
  { name: 'source-settings', scene: 'connected', path: '/sources', act: addSource(false) },
  { name: 'source-added', scene: 'connected', path: '/sources', act: addSource(true) },
  { name: 'not-found', scene: 'connected', path: '/nowhere' },
]

interface Look {
  readonly name: string
  readonly width: number
  readonly height: number
  readonly colorScheme: 'light' | 'dark'
  readonly locale: 'en-GB' | 'uk-UA'
}

const LOOKS: readonly Look[] = [
  { name: 'light', width: 1280, height: 860, colorScheme: 'light', locale: 'en-GB' },
  { name: 'dark', width: 1280, height: 860, colorScheme: 'dark', locale: 'en-GB' },
  { name: 'phone', width: 360, height: 740, colorScheme: 'light', locale: 'en-GB' },
  { name: 'phone-uk', width: 360, height: 740, colorScheme: 'dark', locale: 'uk-UA' },
]

function connectTo(url: string) {
  return async (page: Page) => {
    await click(/^(Connect|Підключити)$/)(page)
    await page.getByRole('textbox', { name: 'URL' }).fill(url)
    await page.locator('dialog button[type=submit]').click()
    await page.locator('dialog .field-error, dialog .code').first().waitFor()
  }
}

function chooseMenu(item: RegExp) {
  return async (page: Page) => {
    await click(/Actions|Дії/)(page)
    await page.getByRole('menuitem', { name: item }).click()
  }
}

async function disconnect(page: Page): Promise<void> {
  await chooseMenu(/^(Disconnect|Відключити)$/)(page)
}

function addSource(isFinished: boolean) {
  return async (page: Page) => {
    await click(/^(Add a|Додати)/)(page)
    await page.getByRole('button', { name: 'Binotel' }).last().click()
    if (!isFinished) return
    await page.locator('dialog button[type=submit]').click()
    await page.locator('dialog .code').first().waitFor()
  }
}

async function main(): Promise<void> {
  const wanted = process.argv[2] ?? ''
  await mkdir(FOLDER, { recursive: true })
  const axe = await readFile(AXE, 'utf8')
  const api = await startFakeApi()
  const browser = await startBrowser()
  let problems = 0
  try {
    for (const look of LOOKS) {
      for (const shot of SHOTS.filter(({ name }) => `${name}.${look.name}`.includes(wanted))) {
        problems += await take({ shot, look, api, browser, axe })
      }
    }
  } finally {
    await browser.close()
    await api.close()
  }
  console.log(problems === 0 ? `No problem. Pictures in ${FOLDER}` : `${problems} problems`)
  process.exitCode = problems === 0 ? 0 : 1
}

interface Taking {
  readonly shot: Shot
  readonly look: Look
  readonly api: FakeApi
  readonly browser: Browser
  readonly axe: string
}

/** @returns how many problems there were: axe's, and what the browser complained about. */
async function take({ shot, look, api, browser, axe }: Taking): Promise<number> {
  api.show(shot.scene === 'signed-out' ? 'connected' : shot.scene)
  api.signIn(shot.scene !== 'signed-out')
  const { width, height, colorScheme, locale } = look
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme,
    locale,
    reducedMotion: 'reduce',
  })
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(`error: ${error.message}`))
  page.on('console', (message) => {
    // What the scene answers on purpose (401, 422, 503) is reported as a failed resource.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) {
      complaints.push(message.text())
    }
  })
  await page.goto(api.url + shot.path)
  await page.locator('h1, .empty-title, .lone h1').first().waitFor()
  await page.locator('.skeleton').first().waitFor({ state: 'detached' })
  await shot.act?.(page)
  // A dialog covers the window and no more.
  const fullPage = (await page.locator('dialog[open]').count()) === 0
  await page.screenshot({ path: `${FOLDER}${shot.name}.${look.name}.png`, fullPage })
  complaints.push(...(await accessibility(page, axe)), ...(await overflow(page)))
  for (const complaint of complaints) console.log(`${shot.name}.${look.name}: ${complaint}`)
  await context.close()
  return complaints.length
}

async function accessibility(page: Page, axe: string): Promise<string[]> {
  await page.evaluate(`${axe};undefined`) // Its own value is too large to be handed over.
  return page.evaluate(`axe.run().then(({ violations }) => violations.map(
    ({ id, help, nodes }) => id + ': ' + help + ' ' + nodes.map(
      (node) => node.html.slice(0, 160) + ' ' + (node.any[0]?.message ?? '')).slice(0, 3).join(' | ')))`)
}

/** Nothing may make the page itself scroll sideways. */
async function overflow(page: Page): Promise<string[]> {
  const pixels = await page.evaluate<number>(
    'document.documentElement.scrollWidth - document.documentElement.clientWidth',
  )
  return pixels > 0 ? [`the page is ${pixels} px too wide`] : []
}

await main()
