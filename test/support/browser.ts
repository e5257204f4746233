import { mkdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import sparticuz from '@sparticuz/chromium'
import { type Browser, chromium, type Page } from 'playwright-core'
import { projectPath } from '../../services/shared/project-path.ts'

/** In one process, as the package suggests for functions in a cloud, it dies with its first page. */
const UNWANTED = ['--single-process', '--no-zygote', '--disable-web-security']

/** A real Chromium out of an npm package: nothing has to be installed on the machine by hand. */
export async function startBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: await sparticuz.executablePath(),
    args: sparticuz.args.filter((arg) => !UNWANTED.includes(arg)),
    headless: true,
  })
}

const FOLDER = projectPath('test-output', 'screenshots')

/** Kept for people to look at. */
export async function screenshot(page: Page, name: string): Promise<void> {
  mkdirSync(FOLDER, { recursive: true })
  await page.screenshot({ path: join(FOLDER, `${name}.png`), fullPage: true })
}

/** One line for each rule of axe that the page breaks, with the elements that break it. */
export async function accessibilityViolations(page: Page): Promise<readonly string[]> {
  const axe = await readFile(projectPath('node_modules', 'axe-core', 'axe.min.js'), 'utf8')
  // Evaluated from outside, since the page's own policy lets no foreign script in.
  await page.evaluate(axe)
  return page.evaluate(async () => {
    const { axe: loaded } = globalThis as unknown as {
      axe: {
        run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }>
      }
    }
    const { violations } = await loaded.run()
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)
  })
}
