import { mkdir, readFile } from 'node:fs/promises'
import type { Browser, Page } from 'playwright-core'
import { startBrowser } from '../browser.ts'
import { type FakeDeliveries, startFakeDeliveries } from './fake-deliveries.ts'
import type { SceneName } from './scenes.ts'

/**
 * Pictures of what moves or opens on deliveries, lane, missed calls and developers, and axe over each.
 * `npx tsx test/support/console-page/live-screens.ts [part of a name]`; build the page first.
 */

const FOLDER = new URL('../../../test-output/screenshots/', import.meta.url).pathname
const AXE = new URL('../../../node_modules/axe-core/axe.min.js', import.meta.url).pathname

interface Shot {
  readonly name: string
  readonly scene: SceneName
  readonly path: string
  readonly act?: (page: Page, fake: FakeDeliveries) => Promise<void>
}

const failing = ({ attempts }: FakeDeliveries) => attempts[3]?.eventId ?? ''
const dead = ({ attempts }: FakeDeliveries) => attempts[7]?.eventId ?? ''
const button = (page: Page, name: RegExp) => page.getByRole('button', { name }).first()

function openEvent(of: (fake: FakeDeliveries) => string) {
  return async (page: Page, fake: FakeDeliveries) => {
    await page.locator(`a[href*="${of(fake)}"]`).click()
    await page.locator('.sheet .code').waitFor()
  }
}

const SHOTS: readonly Shot[] = [
  { name: 'deliveries', scene: 'connected', path: '/deliveries' },
  {
    name: 'deliveries-live',
    scene: 'connected',
    path: '/deliveries',
    act: async (page, fake) => {
      await page.locator('.attempts-frame').evaluate((frame) => frame.scrollTo(0, 4_000))
      await page.locator('[aria-rowindex="2"]').waitFor({ state: 'detached' })
      for (let count = 0; count < 3; count += 1) fake.emit({})
      await button(page, /3 (new|нові)/).waitFor()
    },
  },
  {
    name: 'deliveries-fresh',
    scene: 'connected',
    path: '/deliveries',
    act: async (page, fake) => {
      fake.emit({ outcome: 'retrying', errorClass: 'timeout', status: null, durationMs: 5_000 })
      await page.locator('.attempt-fresh').waitFor()
    },
  },
  {
    name: 'deliveries-filtered',
    scene: 'connected',
    path: '/deliveries?outcome=retrying&class=timeout&last=7d',
  },
  { name: 'deliveries-none', scene: 'connected', path: '/deliveries?event=evt_none' },
  { name: 'event-failing', scene: 'failing', path: '/deliveries', act: openEvent(failing) },
  { name: 'event-dead', scene: 'connected', path: '/deliveries', act: openEvent(dead) },
  {
    name: 'event-unknown',
    scene: 'connected',
    path: '/deliveries/evt_unknown',
    act: async (page) => page.locator('.sheet .notice').waitFor(),
  },
  ...(['connected', 'failing', 'suspended', 'disconnected', 'error'] as const).map((scene) => ({
    name: `lane-${scene}`,
    scene,
    path: '/lane',
  })),
  {
    name: 'recovery-running',
    scene: 'connected',
    path: '/recovery',
    act: async (page, fake) => {
      fake.startBackfill(60_000)
      await page.reload()
      await page.locator('progress').waitFor()
    },
  },
  {
    name: 'recovery-cancel',
    scene: 'connected',
    path: '/recovery',
    act: async (page, fake) => {
      fake.startBackfill(60_000)
      await page.reload()
      await button(page, /^(Stop|Зупинити)$/).click()
    },
  },
  { name: 'recovery-suspended', scene: 'suspended', path: '/recovery' },
  { name: 'recovery-empty', scene: 'empty', path: '/recovery' },
  { name: 'recovery-error', scene: 'error', path: '/recovery' },
  { name: 'developers', scene: 'connected', path: '/developers' },
  {
    name: 'developers-rotate',
    scene: 'connected',
    path: '/developers',
    act: async (page) => button(page, /^(Rotate|Замінити)$/).click(),
  },
  {
    name: 'developers-rotated',
    scene: 'connected',
    path: '/developers',
    act: async (page) => {
      await button(page, /^(Rotate|Замінити)$/).click()
      await page.locator('dialog .button-primary').click()
      await page.locator('.card .notice').waitFor()
    },
  },
]

const LOOKS = [
  { name: 'light', width: 1366, height: 860, colorScheme: 'light', locale: 'en-GB' },
  { name: 'dark', width: 1366, height: 860, colorScheme: 'dark', locale: 'uk-UA' },
  { name: 'phone', width: 360, height: 740, colorScheme: 'light', locale: 'uk-UA' },
  { name: 'phone-dark', width: 360, height: 740, colorScheme: 'dark', locale: 'en-GB' },
] as const

type Look = (typeof LOOKS)[number]

async function main(): Promise<void> {
  const wanted = process.argv[2] ?? ''
  await mkdir(FOLDER, { recursive: true })
  const axe = await readFile(AXE, 'utf8')
  const fake = await startFakeDeliveries(2_000)
  const browser = await startBrowser()
  let problems = 0
  try {
    for (const look of LOOKS) {
      for (const shot of SHOTS.filter(({ name }) => `${name}.${look.name}`.includes(wanted))) {
        problems += await take(shot, look, { fake, browser, axe })
      }
    }
  } finally {
    await browser.close()
    await fake.close()
  }
  console.log(problems === 0 ? `No problem. Pictures in ${FOLDER}` : `${problems} problems`)
  process.exitCode = problems === 0 ? 0 : 1
}

interface Tools {
  readonly fake: FakeDeliveries
  readonly browser: Browser
  readonly axe: string
}

/** @returns how many problems axe and the browser have found. */
async function take(shot: Shot, look: Look, { fake, browser, axe }: Tools): Promise<number> {
  fake.show(shot.scene)
  const { width, height, colorScheme, locale } = look
  const options = { viewport: { width, height }, colorScheme, locale, reducedMotion: 'reduce' }
  const context = await browser.newContext(options as Parameters<Browser['newContext']>[0])
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(`error: ${error.message}`))
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) {
      complaints.push(message.text())
    }
  })
  await page.goto(fake.url + shot.path)
  await page.locator('h1').first().waitFor()
  await page.locator('.skeleton').first().waitFor({ state: 'detached' })
  await shot.act?.(page, fake)
  // Taking the whole page scrolls what scrolls within it, and tells nobody.
  await page.screenshot({
    path: `${FOLDER}${shot.name}.${look.name}.png`,
    fullPage: !shot.path.startsWith('/deliveries'),
  })
  await page.evaluate(axe)
  complaints.push(...(await violations(page)))
  for (const complaint of complaints) console.log(`${shot.name}.${look.name}: ${complaint}`)
  await context.close()
  return complaints.length
}

async function violations(page: Page): Promise<string[]> {
  const found = await page.evaluate<string[]>(`axe.run().then(({ violations }) => violations.map(
    ({ id, nodes }) => id + ': ' + nodes.map((node) => node.html.slice(0, 160) + ' ' +
      (node.any[0]?.message ?? node.all[0]?.message ?? '')).slice(0, 3).join(' | ')))`)
  const tooWide = await page.evaluate<number>(
    'document.documentElement.scrollWidth - document.documentElement.clientWidth',
  )
  return tooWide > 0 ? [...found, `the page is ${tooWide} px too wide`] : found
}

await main()
