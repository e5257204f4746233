import type { Page } from 'playwright-core'
import { startBrowser } from '../browser.ts'
import { startFakeDeliveries } from './fake-deliveries.ts'

/**
 * How the deliveries table bears 100,000 attempts: all of them are loaded by scrolling, scrolled through,
 * narrowed by filters, and new ones arrive. For each part it prints the longest pause of the page (the
 * browser's long tasks), and the processor time of the longest task: far less than the pause, it tells
 * of a machine that had other work. `npx tsx test/support/console-page/attempts-load.ts [count]`; build
 * the page first. Ends with 1 when a pause was longer than 100 ms.
 */

const PAUSE_MAX_MS = 100
const OBSERVE = `
  window.pauses = []
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) window.pauses.push(Math.round(duration))
  }).observe({ entryTypes: ['longtask'] })
`

const frame = (page: Page) => page.locator('.attempts-frame')

async function main(): Promise<void> {
  const count = Number(process.argv[2] ?? 100_000)
  const fake = await startFakeDeliveries(count)
  const browser = await startBrowser()
  const page = await browser.newPage({ viewport: { width: 1366, height: 860 } })
  let worst = 0
  const part = async (name: string, act: () => Promise<void>) => {
    await page.evaluate('window.pauses = []')
    await browser.startTracing(page, { categories: ['toplevel'] })
    await act()
    const task = longestTask(await browser.stopTracing())
    const pause = Math.max(0, ...(await page.evaluate<number[]>('window.pauses')))
    worst = Math.max(worst, pause)
    console.log(`${name}: ${pause || '< 50'} ms of pause, ${task.toFixed(1)} ms of processor time`)
  }
  await page.addInitScript(OBSERVE)
  await page.goto(`${fake.url}/deliveries`)
  await page.locator('[aria-rowindex="20"]').waitFor()

  await part('load all rows by scrolling to the end', () => loadAll(page))
  await part('scroll by wheel', () => wheel(page, 300))
  await part('jump up and down', () => jump(page, 60))
  await part('new attempts while reading below', () => arrive(page, fake.emit))
  await part('show them', async () => {
    await page.locator('.attempts-held .button').click()
    await page.locator('.attempt-fresh').first().waitFor()
  })
  await part('filter by outcome', () => filter(page, 0, 'retrying', /Will be retried/))
  await part('filter by reason', () => filter(page, 1, 'timeout', /No answer within/))
  await part('clear the filters', async () => {
    await page.getByRole('button', { name: 'Clear filters' }).click()
    await page.locator('.attempt-row').filter({ hasText: 'Delivered' }).first().waitFor()
  })
  await browser.close()
  await fake.close()
  console.log(
    `Longest pause over ${count} attempts: ${worst || '< 50'} ms (at most ${PAUSE_MAX_MS})`,
  )
  process.exitCode = worst > PAUSE_MAX_MS ? 1 : 0
}

interface TraceEvent {
  readonly name: string
  readonly pid: number
  readonly tid: number
  /** Microseconds of processor time. */
  readonly tdur?: number
  readonly args: { readonly name?: string }
}

/** Milliseconds of processor time of the longest task of the page's main thread. */
function longestTask(trace: Buffer): number {
  const { traceEvents } = JSON.parse(trace.toString()) as { traceEvents: TraceEvent[] }
  const threadOf = ({ pid, tid }: TraceEvent) => `${pid} ${tid}`
  const mains = new Set(
    traceEvents
      .filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain')
      .map(threadOf),
  )
  const times = traceEvents
    .filter((event) => mains.has(threadOf(event)))
    .map(({ tdur = 0 }) => tdur / 1_000)
  return times.reduce((longest, time) => Math.max(longest, time), 0)
}

/** As with a held End key: each page brings a longer list, and its end is gone to again. */
async function loadAll(page: Page): Promise<void> {
  const isComplete = async () => (await frame(page).getAttribute('aria-rowcount')) !== '-1'
  do {
    await frame(page).evaluate((element) => element.scrollTo(0, element.scrollHeight))
    await page.locator('.attempts-more span').waitFor({ state: 'detached' })
  } while (!(await isComplete()))
}

async function wheel(page: Page, turns: number): Promise<void> {
  await frame(page).evaluate((element) => element.scrollTo(0, 2_000_000))
  await frame(page).hover()
  for (let turn = 0; turn < turns; turn += 1) await page.mouse.wheel(0, turn % 50 < 40 ? 400 : -900)
}

async function jump(page: Page, jumps: number): Promise<void> {
  for (let place = 0; place < jumps; place += 1) {
    const share = (place * 0.618) % 1
    await frame(page).evaluate(
      (element, at) => element.scrollTo(0, element.scrollHeight * at),
      share,
    )
    await page.evaluate(
      'new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))',
    )
  }
}

async function arrive(page: Page, emit: (attempt: object) => void): Promise<void> {
  await frame(page).evaluate((element) => element.scrollTo(0, 2_000_000))
  for (let count = 0; count < 200; count += 1) emit({ status: 201 })
  await page.getByRole('button', { name: /^200 new/ }).waitFor()
}

async function filter(page: Page, field: number, value: string, seen: RegExp): Promise<void> {
  await page.locator('.filters select').nth(field).selectOption(value)
  await page.locator('.attempts-frame[aria-busy=false]').waitFor()
  await page.locator('.attempts-rows .attempt-row').filter({ hasText: seen }).first().waitFor()
}

await main()
