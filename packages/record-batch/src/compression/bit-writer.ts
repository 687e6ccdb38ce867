/** Writes bits, the lowest first, to a place that has room for them. */
export class BitWriter {
  readonly #output: Uint8Array;
  #at: number;
  #bits = 0;
  #bitCount = 0;

  constructor(output: Uint8Array, at: number) {
    this.#output = output;
    this.#at = at;
  }

  /** Up to 16 bits; those of `value` above must be 0. */
  write(value: number, count: number): void {
    this.#bits |= value << this.#bitCount;
    this.#bitCount += count;
    if (this.#bitCount >= 16) {
      this.#output[this.#at] = this.#bits;
      this.#output[this.#at + 1] = this.#bits >>> 8;
      this.#at += 2;
      this.#bits >>>= 16;
      this.#bitCount -= 16;
    }
  }

  /** Goes to the next whole byte and copies. */
  writeBytes(bytes: Uint8Array): void {
    const start = this.end();
    this.#output.set(bytes, start);
    this.#at = start + bytes.length;
  }

  /** Fills the last byte up with zeros and returns where it ends. */
  end(): number {
    for (; this.#bitCount > 0; this.#bitCount -= 8) {
      this.#output[this.#at++] = this.#bits;
      this.#bits >>>= 8;
    }
    this.#bitCount = 0;
    return this.#at;
  }
}
