import { mkdir } from 'node:fs/promises'
import type { Browser, Page } from 'playwright-core'
import { accessibilityViolations, SCREENSHOTS, startBrowser } from '../browser.ts'

/** A server that plays the API for pictures. */
interface FakeServer {
  readonly url: string
  close(): Promise<void>
}

export interface Shot<Fake> {
  readonly name: string
  readonly path: string
  /** What is done on the page before the picture. */
  readonly act?: (page: Page, fake: Fake) => Promise<void>
}

export interface Look {
  readonly name: string
  readonly width: number
  readonly height: number
  readonly colorScheme: 'light' | 'dark'
  readonly locale: 'en-GB' | 'uk-UA'
}

export interface Session<Fake, S extends Shot<Fake>> {
  readonly fake: Fake
  readonly shots: readonly S[]
  readonly looks: readonly Look[]
  /** Brings the fake into the shot's scene. */
  readonly show: (shot: S) => void
}

/**
 * Takes each shot in each look whose name holds the program's first argument, with axe over each.
 * Ends the fake; the exit code is 1 when there was a problem.
 */
export async function takePictures<Fake extends FakeServer, S extends Shot<Fake>>(
  session: Session<Fake, S>,
): Promise<void> {
  const wanted = process.argv[2] ?? ''
  await mkdir(SCREENSHOTS, { recursive: true })
  const browser = await startBrowser()
  let problems = 0
  try {
    for (const look of session.looks) {
      const chosen = session.shots.filter(({ name }) => `${name}.${look.name}`.includes(wanted))
      for (const shot of chosen) problems += await take(shot, look, browser, session)
    }
  } finally {
    await browser.close()
    await session.fake.close()
  }
  console.log(problems === 0 ? `No problem. Pictures in ${SCREENSHOTS}` : `${problems} problems`)
  process.exitCode = problems === 0 ? 0 : 1
}

/** @returns how many problems there were: axe's, and what the browser complained about. */
async function take<Fake extends FakeServer, S extends Shot<Fake>>(
  shot: S,
  { name, width, height, colorScheme, locale }: Look,
  browser: Browser,
  { fake, show }: Session<Fake, S>,
): Promise<number> {
  show(shot)
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme,
    locale,
    reducedMotion: 'reduce',
  })
  const page = await context.newPage()
  const complaints = complaintsOf(page)
  await page.goto(fake.url + shot.path)
  await page.locator('h1, .empty-title, .lone h1').first().waitFor()
  await page.locator('.skeleton').first().waitFor({ state: 'detached' })
  await shot.act?.(page, fake)
  // A dialog covers the window and no more; and taking the whole page scrolls what scrolls within
  // the list of deliveries, and tells nobody.
  const isOpen = (await page.locator('dialog[open]').count()) > 0
  const fullPage = !isOpen && !shot.path.startsWith('/deliveries')
  await page.screenshot({ path: `${SCREENSHOTS}/${shot.name}.${name}.png`, fullPage })
  complaints.push(...(await accessibilityViolations(page)), ...(await overflow(page)))
  for (const complaint of complaints) console.log(`${shot.name}.${name}: ${complaint}`)
  await context.close()
  return complaints.length
}

function complaintsOf(page: Page): string[] {
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(`error: ${error.message}`))
  page.on('console', (message) => {
    // What the scene answers on purpose (401, 422, 503) is reported as a failed resource.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) {
      complaints.push(message.text())
    }
  })
  return complaints
}

/** Nothing may make the page itself scroll sideways. */
async function overflow(page: Page): Promise<string[]> {
  const pixels = await page.evaluate<number>(
    'document.documentElement.scrollWidth - document.documentElement.clientWidth',
  )
  return pixels > 0 ? [`the page is ${pixels} px too wide`] : []
}
