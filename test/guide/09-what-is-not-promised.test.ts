import { describe, expect, it } from 'vitest'
import { aDispatcher } from '../support/workbench.ts'

/*
 * Chapter 9: what is not promised
 *
 * Exactly once. Over HTTP nobody can promise it: when an answer does not reach us we cannot know
 * whether the request did, and of the two mistakes, once too often or not at all, we make the first.
 *
 *     first      kyiv/1 ──> CRM stores it, says 200 ──> KILLED, the 200 is not written down
 *     second     kyiv/1 ──> CRM: I know this webhook-id, 200
 *
 * So the customer's side has one thing to do: remember the `webhook-id`, and ignore one that it knows.
 * It takes a unique column or a set; that is the whole receiver below.
 */

/** A customer's endpoint that keeps what it does not know yet. */
function aReceiver() {
  const known = new Set<string>()
  const kept: string[] = []
  return {
    kept,
    receive({ webhookId, name }: { readonly webhookId: string; readonly name: string }) {
      if (known.has(webhookId)) return
      known.add(webhookId)
      kept.push(name)
    },
  }
}

describe('a crash between the answer and the commit', () => {
  it('repeats a request, and a receiver that knows its ids keeps the event once', async () => {
    const { bench, endpoint } = await aDispatcher({ connected: ['kyiv'] })
    await bench.read('kyiv/1', 'kyiv/2')
    await bench.answer('kyiv/1')
    bench.crash()
    const after = await bench.successor()
    await after.answerAll()
    expect(endpoint.sent).toEqual(['kyiv/1', 'kyiv/2', 'kyiv/1', 'kyiv/2'])

    const receiver = aReceiver()
    for (const request of endpoint.requests) receiver.receive(request)

    expect(receiver.kept).toEqual(['kyiv/1', 'kyiv/2'])
  })
})
