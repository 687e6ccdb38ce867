/** A small generator: the same numbers for the same seed, fast, and good enough to choose mutations by. */
export class Random {
  #state: number;

  /** Each pair gives its own sequence, so that one input can be made again without those before it. */
  constructor(seed: number, index: number) {
    let mixed = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(index + 1, 0xc2b2ae35);
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x27d4eb2d);
    this.#state = (mixed ^ (mixed >>> 15)) | 1;
    for (let round = 0; round < 4; round++) this.next();
  }

  /** 32 bits, unsigned. */
  next(): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return Math.imul(this.#state, 0x9e3779b1) >>> 0;
  }

  /** From 0 to `limit - 1`; 0 for a limit of 0. */
  below(limit: number): number {
    return limit <= 0 ? 0 : Math.floor((this.next() / 0x1_0000_0000) * limit);
  }

  /** True once in `turns`. */
  oneIn(turns: number): boolean {
    return this.below(turns) === 0;
  }

  pick<Item>(items: readonly Item[]): Item {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error("nothing to pick from");
    return item;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.next() >>> 8);
  }
}
