import { afterEach, describe, expect, it } from 'vitest'
import type { ServiceProcess } from '../../deploy/local/services.ts'
import { eventually } from '../support/eventually.ts'
import { answer, OK } from '../support/receiver.ts'
import { Rig } from '../support/rig.ts'
import { freshPlace } from '../support/stack.ts'
import {
  cursorsByWorkspace,
  EACH_HAS,
  failTogether,
  lookAtRecords,
  recoverTogether,
} from '../torture/many-failing.ts'

const FAILING = 500
const PASSING_BY = 3_000
const READ_AGAIN_MAX = 2_000

/** `make torture` does the first with ten times as many. */
describe('the retry topics', () => {
  let rig: Rig | null = null
  let dispatcher: ServiceProcess | null = null

  afterEach(() => rig?.close())

  const options = async () => await freshPlace()

  it('hold one live record per failing workspace, and never what waits behind it', async () => {
    const scene = await failTogether(await options(), FAILING)
    rig = scene.rig
    const { workspaceIds } = scene

    for (const times of [2, 3, 4]) console.log(await lookAtRecords(rig, workspaceIds, times))
    const cursors = await cursorsByWorkspace(rig)
    await recoverTogether(rig, workspaceIds)

    expect(cursors.size).toBe(FAILING)
    expect([...cursors.values()].filter(({ size }) => size !== 1)).toEqual([])
    expect(rig.verdict()).toMatchObject({
      delivered: FAILING * EACH_HAS,
      lost: [],
      outOfOrder: [],
      overlaps: 0,
    })
  }, 240_000)

  it('let the watermark move on past a dead workspace: a restart reads little again', async () => {
    const { view, load, receiver } = await openWithDeadWorkspace()
    const everything = async () => [
      ...(await view.read(view.names.events)),
      ...(await view.laneRecords()),
    ]
    await receiver.until(() => load.waiting === 3, 'all but the dead one got theirs')
    // All that is left to settle is the record of the dead lane; what pins the watermark shows now.
    await eventually(async () => {
      const left = await view.unsettled(await everything())
      expect(left.map(({ key }) => key)).toEqual(['dead'])
    })

    await dispatcher?.kill()
    const records = await everything()
    const readAgain = await view.toBeReadAgain(records)
    console.log({ records: records.length, readAgain })
    receiver.script('dead', () => OK)
    await rig?.startDispatcher()
    await rig?.untilDelivered(60_000)

    expect(readAgain).toBeLessThan(READ_AGAIN_MAX)
    expect(rig?.verdict()).toMatchObject({ lost: [], outOfOrder: [], overlaps: 0 })
  }, 120_000)

  /** Its lane has been off-line for a while when all the others have got their calls. */
  async function openWithDeadWorkspace(): Promise<Rig> {
    const env = { DISPATCHER_SESSION_TIMEOUT_MS: '6000', DISPATCHER_REQUEST_TIMEOUT_MS: '2000' }
    const opened = await Rig.open({ ...(await options()), env })
    rig = opened
    const healthy = Array.from({ length: 12 }, (_, index) => `healthy-${index}`)
    await opened.connect(['dead', ...healthy])
    opened.receiver.script('dead', () => answer(503))
    dispatcher = await opened.startDispatcher()
    await opened.load.append('dead', 3)
    await Promise.all(healthy.map((id) => opened.load.append(id, PASSING_BY / healthy.length)))
    return opened
  }
})
