import type { Page } from 'playwright-core'
import { type FakeApi, startFakeApi } from './fake-api.ts'
import type { SceneName } from './scenes.ts'
import { type Look, type Shot, takePictures } from './take-pictures.ts'

/**
 * Pictures of sign-in, tile and sources for people to look at, and axe over each: light, dark, 360 px and in
 * Ukrainian. `npx tsx test/support/console-page/screenshots.ts [part of a name]`; build first.
 */

interface SceneShot extends Shot<FakeApi> {
  readonly scene: SceneName | 'signed-out'
}

const click = (name: string | RegExp) => (page: Page) =>
  page.getByRole('button', { name }).first().click()

const SHOTS: readonly SceneShot[] = [
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

const fake = await startFakeApi()
await takePictures<FakeApi, SceneShot>({
  fake,
  shots: SHOTS,
  looks: LOOKS,
  show: ({ scene }) => {
    fake.show(scene === 'signed-out' ? 'connected' : scene)
    fake.signIn(scene !== 'signed-out')
  },
})
