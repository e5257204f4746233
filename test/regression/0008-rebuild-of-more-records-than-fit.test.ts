import { expect, it } from 'vitest'
import { failed, seconds } from '../support/builders.ts'
import { aDispatcher } from '../support/workbench.ts'

/*
 * Found by seed 6490: a partition stood still for ever after its owner had crashed.
 *
 * Set-up     a window of eight records, and nine workspaces that fail together: each has one record
 *            in the retry topic, written faster than they were read back.
 *
 * Timeline   first     nine records in the retry topic                KILLED
 *            second    reads eight of them and waits for room, which there is only after the ninth
 *
 * Proves     a rebuild takes all that there is, however wide the window gets.
 */
it('a rebuild reads more lane records than fit into the window', async () => {
  const workspaces = Array.from({ length: 9 }, (_, index) => `ws${index}`)
  const { bench, endpoint } = await aDispatcher({
    connected: workspaces,
    inFlightMax: 9,
    limits: { windowMax: 8 },
  })
  await bench.read(...workspaces.map((id) => `${id}/1`))
  for (const id of workspaces) await bench.answer(`${id}/1`, failed())
  bench.crash()

  const after = await bench.successor()
  await after.pass(seconds(5))

  expect([...endpoint.open].sort()).toEqual(workspaces.map((id) => `${id}/1`))
})
