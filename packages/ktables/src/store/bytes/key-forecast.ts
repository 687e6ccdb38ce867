/** Records after which it is looked again how many of them have had new keys. */
const sampleSize = 2048;

/**
 * How many keys a store will have when it has read all that is in its topic, by the share of new ones among those that came
 * lately. New ones go on coming like that, at the most; and where records take any of a number of keys by chance, that share
 * is the one of the keys which have not come yet, so that it tells their number.
 */
export class KeyForecast {
  readonly #totalOffsets: number;
  #offsets = 0;
  #sampleOffsets = 0;
  #sampleKeys = 0;

  /** `totalOffsets`: to be read, at most. */
  constructor(totalOffsets: number) {
    this.#totalOffsets = totalOffsets;
  }

  /** So many offsets further there are `keys` in all. Returns how many there will be; undefined when that is as before. */
  note(offsets: number, keys: number): number | undefined {
    this.#offsets += offsets;
    const sample = this.#offsets - this.#sampleOffsets;
    if (sample < sampleSize || this.#sampleOffsets >= this.#totalOffsets) return undefined;
    const left = Math.max(0, this.#totalOffsets - this.#offsets);
    const share = Math.max(0, keys - this.#sampleKeys) / sample;
    const most = share < 1 ? (keys + this.#sampleKeys) / 2 / (1 - share) : Number.POSITIVE_INFINITY;
    const expected = Math.max(keys, Math.min(keys + left * share, most));
    this.#sampleOffsets = this.#offsets;
    this.#sampleKeys = keys;
    return expected;
  }
}
