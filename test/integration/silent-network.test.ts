import { expect, it, onTestFinished } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { Rig } from '../support/rig.ts'
import { SilentDoor } from '../support/silent-door.ts'
import { freshPlace } from '../support/stack.ts'

/** As a firewall that forgets connections: nothing comes through, and neither side is told. */
it('a customer who moves or leaves while the network is silent is heard within 60 s', async () => {
  const place = await freshPlace()
  const door = await SilentDoor.start(place.databaseUrl)
  const rig = await Rig.open(place)
  const { receiver, load, product } = rig
  onTestFinished(async () => {
    await rig.close()
    await door.stop()
  })
  await product.start('dispatcher', { DATABASE_URL: door.url })
  await rig.connect(['moves', 'leaves'])
  await load.append('moves')
  await load.append('leaves')
  await rig.untilDelivered(20_000)

  expect(door.silence()).toBeGreaterThan(0)
  await product.connect('moves', receiver.url('moved'))
  await rig.disconnect('leaves')
  const heardWithin = Date.now() + 60_000

  await eventually(async () => {
    await load.append('moves')
    await receiver.until(() => receiver.of('moved').length > 0, 'it has moved', 1_000)
  }, heardWithin - Date.now())
  await eventually(async () => {
    const before = receiver.of('leaves').length
    await load.append('leaves')
    await rig.untilSettled(heardWithin - Date.now())
    expect(receiver.of('leaves').length).toBe(before)
  }, heardWithin - Date.now())
}, 120_000)

it('a customer who moves is heard within 60 s although no notification is sent', async () => {
  const rig = await Rig.open(await freshPlace())
  const { receiver, load, product } = rig
  onTestFinished(() => rig.close())
  await rig.startDispatcher()
  await rig.connect(['moves'])
  await load.append('moves')
  await rig.untilDelivered(20_000)

  await rig.query('alter table connections disable trigger user')
  await product.connect('moves', receiver.url('moved'))

  await eventually(async () => {
    await load.append('moves')
    await receiver.until(() => receiver.of('moved').length > 0, 'it has moved', 1_000)
  }, 60_000)
}, 120_000)
