/** What a decoder writes to: grows as needed, to a bound. Both formats write literals, and copies of what is there. */
export class Output {
  readonly #most: number
  #bytes: Buffer
  length = 0

  /** @param first how much it will probably be, in bytes */
  constructor(most: number, first: number) {
    this.#most = most
    this.#bytes = Buffer.allocUnsafe(Math.min(most, first))
  }

  /** Appends `count` bytes of `from`, from `at` on. */
  literal(from: Buffer, at: number, count: number): void {
    if (at + count > from.length) throw new Error('it ends within a literal')
    this.#reserve(count)
    from.copy(this.#bytes, this.length, at, at + count)
    this.length += count
  }

  /** Appends again `count` bytes that begin `distance` bytes ago; they may reach into what is just being appended. */
  again(distance: number, count: number): void {
    if (distance === 0 || distance > this.length) throw new Error('it copies from before its beginning')
    this.#reserve(count)
    const end = this.length + count
    // Copying doubles what can be copied: the pattern repeats.
    for (let step = distance; this.length < end; step *= 2) {
      const from = this.length - step
      const part = Math.min(step, end - this.length)
      this.#bytes.copyWithin(this.length, from, from + part)
      this.length += part
    }
  }

  finish(): Buffer {
    return this.#bytes.subarray(0, this.length)
  }

  #reserve(count: number): void {
    const need = this.length + count
    if (need > this.#most) throw new Error(`it is larger than ${this.#most} bytes`)
    if (need <= this.#bytes.length) return
    const larger = Buffer.allocUnsafe(Math.min(this.#most, Math.max(need, this.#bytes.length * 2)))
    this.#bytes.copy(larger, 0, 0, this.length)
    this.#bytes = larger
  }
}
