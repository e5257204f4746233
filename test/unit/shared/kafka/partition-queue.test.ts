import { expect, it } from 'vitest'
import { PartitionQueue } from '../../../../services/shared/kafka/partition-queue.ts'

it('a partition that is away admits one record each time that one may be tried', () => {
  const queue = new PartitionQueue('calls', 0)
  expect(queue.admits(1)).toBe(true)

  const around = { since: 2, triedAt: 2, back: Promise.resolve(), end: () => undefined }
  queue.away = { ...around, mayTry: false }
  expect([queue.admits(3), queue.away.triedAt]).toEqual([false, 2])

  queue.away.mayTry = true
  expect([queue.admits(4), queue.admits(5)]).toEqual([true, false])
  expect(queue.away.triedAt).toBe(4)
})
