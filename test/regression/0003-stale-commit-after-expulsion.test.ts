import { expect, it } from 'vitest'
import { aDispatcher } from '../support/workbench.ts'

/*
 * Found by the simulation: a stale commit after an expulsion was accepted under the new generation.
 *
 * Set-up     a broker takes a commit when the member's generation is right; it does not ask whether
 *            the member owns the partition. A commit first writes its attempts to Postgres.
 *
 * Timeline   session    commit: offsets gathered ── Postgres is slow ……………… sent?
 *            group                     expelled, joins again: new generation, others own partition 0
 *
 * Proves     offsets of a session that was fenced meanwhile are left out: they would go backwards over
 *            what its new owner has committed.
 */
it('offsets of a session that was fenced during the commit are not sent', async () => {
  const { bench } = await aDispatcher({ connected: ['kyiv'] })
  await bench.read('kyiv/1')
  await bench.answer('kyiv/1')
  const before = bench.consumer.commits.length
  let answer = () => {}
  bench.around.postgres.gate = new Promise<void>((resolve) => {
    answer = resolve
  })

  const committing = bench.engine.sessions.commitChanged()
  await bench.settle()
  bench.engine.sessions.revoked([0], true)
  bench.consumer.join()
  answer()
  await committing

  expect(bench.consumer.commits).toHaveLength(before)
})
