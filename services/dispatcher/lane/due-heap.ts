/** What waits for a time, earliest first. A binary heap: 10,000 parked lanes cost no scan. */
export class DueHeap<Item> {
  readonly #entries: { readonly dueAt: number; readonly item: Item }[] = []

  get size(): number {
    return this.#entries.length
  }

  /** Of the earliest item; Infinity when there is none. */
  get nextDueAt(): number {
    return this.#entries[0]?.dueAt ?? Number.POSITIVE_INFINITY
  }

  add(dueAt: number, item: Item): void {
    const entries = this.#entries
    let index = entries.push({ dueAt, item }) - 1
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (this.#at(parent) <= dueAt) break
      this.#swap(index, parent)
      index = parent
    }
  }

  /** Takes the earliest item that is due at `now`. */
  takeDue(now: number): Item | undefined {
    const first = this.#entries[0]
    if (first === undefined || first.dueAt > now) return undefined
    const last = this.#entries.pop()
    if (last !== undefined && this.#entries.length > 0) {
      this.#entries[0] = last
      this.#sink()
    }
    return first.item
  }

  #sink(): void {
    let index = 0
    for (;;) {
      const left = 2 * index + 1
      const smallest = this.#at(left + 1) < this.#at(left) ? left + 1 : left
      if (this.#at(smallest) >= this.#at(index)) return
      this.#swap(index, smallest)
      index = smallest
    }
  }

  #at(index: number): number {
    return this.#entries[index]?.dueAt ?? Number.POSITIVE_INFINITY
  }

  #swap(a: number, b: number): void {
    const [first, second] = [this.#entries[a], this.#entries[b]]
    if (first === undefined || second === undefined) return
    this.#entries[a] = second
    this.#entries[b] = first
  }
}
