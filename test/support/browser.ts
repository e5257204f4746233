import { mkdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import sparticuz from '@sparticuz/chromium'
import { type Browser, chromium, type Page } from 'playwright-core'
import { projectPath } from '../../services/shared/project-path.ts'

const UNWANTED = [
  // In one process, as the package suggests for functions in a cloud, it dies with its first page.
  '--single-process',
  '--no-zygote',
  '--disable-web-security',
  // A graphics card played by the processor takes both cores of a small machine for each scrolled
  // row, and the page waits for a core; without one, Chromium draws by itself, four times as fast.
  '--in-process-gpu',
  '--use-gl=angle',
  '--use-angle=swiftshader',
  '--enable-unsafe-swiftshader',
  '--ignore-gpu-blocklist',
]

/** A real Chromium out of an npm package: nothing has to be installed on the machine by hand. */
export async function startBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: await sparticuz.executablePath(),
    args: [...sparticuz.args.filter((arg) => !UNWANTED.includes(arg)), '--disable-gpu'],
    headless: true,
  })
}

export const SCREENSHOTS = projectPath('test-output', 'screenshots')

/** Kept for people to look at. */
export async function screenshot(page: Page, name: string): Promise<void> {
  mkdirSync(SCREENSHOTS, { recursive: true })
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true })
}

/** One line for each rule of axe that the page breaks, with the elements that break it. */
export async function accessibilityViolations(page: Page): Promise<readonly string[]> {
  const axe = await readFile(projectPath('node_modules', 'axe-core', 'axe.min.js'), 'utf8')
  // Evaluated from outside, since the page's own policy lets no foreign script in; its own value is
  // too large to be handed over.
  await page.evaluate(`${axe};undefined`)
  return page.evaluate<string[]>(`axe.run().then(({ violations }) => violations.map(
    ({ id, help, nodes }) => id + ': ' + help + ' ' + nodes.map(
      (node) => node.html.slice(0, 160) + ' ' + (node.any[0]?.message ?? node.all[0]?.message ?? ''),
    ).slice(0, 3).join(' | ')))`)
}
