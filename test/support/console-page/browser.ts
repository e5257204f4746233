import chromium from '@sparticuz/chromium'
import { type Browser, chromium as playwright } from 'playwright-core'

/** In one process, as the package suggests for functions in a cloud, it dies with its first page. */
const UNWANTED = ['--single-process', '--no-zygote', '--disable-web-security']

export async function launchBrowser(): Promise<Browser> {
  return playwright.launch({
    executablePath: await chromium.executablePath(),
    args: chromium.args.filter((arg) => !UNWANTED.includes(arg)),
    headless: true,
  })
}
