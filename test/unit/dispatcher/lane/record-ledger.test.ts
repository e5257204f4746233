import { describe, expect, it } from 'vitest'
import { RecordLedger } from '../../../../services/dispatcher/lane/record-ledger.ts'

const place = (offset: number) => ({ topic: 'catch-up', offset })

describe('ledger of lane records', () => {
  it.each(['acknowledged first', 'read first'])('knows a record that is %s', (which) => {
    const ledger = new RecordLedger()
    ledger.sending(1)
    expect([ledger.isSending, ledger.position]).toEqual([true, null])

    if (which === 'read first') ledger.echoed(1, place(0))
    ledger.acked(1, 0)
    if (which === 'acknowledged first') ledger.echoed(1, place(0))

    expect([ledger.canClose, ledger.position]).toEqual([true, place(0)])
    expect(ledger.close()).toEqual(place(0))
  })

  it('settles a record as soon as a newer one is durable', () => {
    const ledger = new RecordLedger()
    ledger.sending(1)
    ledger.acked(1, 0)
    ledger.echoed(1, place(0))
    ledger.sending(2)

    expect(ledger.acked(2, 0)).toEqual([place(0)])
  })

  it('settles an older record that is acknowledged late, and one that is read late', () => {
    const ledger = new RecordLedger()
    ledger.sending(1)
    ledger.sending(2)
    ledger.echoed(1, place(0))
    ledger.acked(2, 0)

    expect(ledger.acked(1, 0)).toEqual([place(0)])
    expect(ledger.echoed(1, place(1))).toEqual(place(1))
  })

  it('settles the copy of a record that stands twice', () => {
    const ledger = new RecordLedger()
    ledger.sending(1)
    ledger.echoed(1, place(0))

    expect(ledger.echoed(1, place(1))).toEqual(place(1))
  })

  // Found by the simulation: closed after the first echo, a crash brought a dead event back by the copy.
  it('cannot close before every copy of a record is read, up to the acknowledged one', () => {
    const ledger = new RecordLedger()
    ledger.sending(1)
    ledger.acked(1, 5)
    expect(ledger.echoed(1, place(4))).toEqual(place(4))
    expect([ledger.canClose, ledger.position]).toEqual([false, null])

    expect(ledger.echoed(1, place(5))).toBeNull()

    expect([ledger.canClose, ledger.position]).toEqual([true, place(5)])
  })

  it('keeps no copy that would hold up the topic before the acknowledged one is read', () => {
    const ledger = new RecordLedger()
    ledger.sending(1)
    expect(ledger.echoed(1, place(4))).toBeNull()

    expect(ledger.acked(1, 30_000)).toEqual([place(4)])
    expect(ledger.position).toBeNull()
    expect(ledger.echoed(1, place(30_000))).toBeNull()

    expect(ledger.close()).toEqual(place(30_000))
  })

  it('cannot close before a copy of an earlier record is read', () => {
    const ledger = new RecordLedger()
    ledger.sending(1)
    ledger.acked(1, 5)
    ledger.echoed(1, place(4))
    ledger.sending(2)
    ledger.echoed(2, place(6))
    ledger.acked(2, 6)
    expect(ledger.canClose).toBe(false)

    ledger.echoed(1, place(5))

    expect(ledger.canClose).toBe(true)
  })

  it('refuses a record that is not newer, and to close before it knows the last one', () => {
    const ledger = new RecordLedger()
    ledger.sending(1)
    ledger.acked(1, 0)

    expect(() => ledger.sending(1)).toThrow('a lane record must be newer than the one before')
    expect(() => ledger.close()).toThrow('the last lane record is not known yet')
  })
})
