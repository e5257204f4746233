import type { Page } from 'playwright-core'
import { type FakeDeliveries, startFakeDeliveries } from './fake-deliveries.ts'
import type { SceneName } from './scenes.ts'
import { type Look, type Shot, takePictures } from './take-pictures.ts'

/**
 * Pictures of what moves or opens on deliveries, lane, missed calls and developers, and axe over each.
 * `npx tsx test/support/console-page/live-screens.ts [part of a name]`; build the page first.
 */

interface SceneShot extends Shot<FakeDeliveries> {
  readonly scene: SceneName
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

const SHOTS: readonly SceneShot[] = [
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

const LOOKS: readonly Look[] = [
  { name: 'light', width: 1366, height: 860, colorScheme: 'light', locale: 'en-GB' },
  { name: 'dark', width: 1366, height: 860, colorScheme: 'dark', locale: 'uk-UA' },
  { name: 'phone', width: 360, height: 740, colorScheme: 'light', locale: 'uk-UA' },
  { name: 'phone-dark', width: 360, height: 740, colorScheme: 'dark', locale: 'en-GB' },
]

const fake = await startFakeDeliveries(2_000)
await takePictures<FakeDeliveries, SceneShot>({
  fake,
  shots: SHOTS,
  looks: LOOKS,
  show: ({ scene }) => fake.show(scene),
})
