const utf8 = /* @__PURE__ */ new TextEncoder();

/** Longer texts get memory of their own, so that none of them is held for ever. */
const longestText = 16_384;

/** Text as UTF-8 for whoever needs it for a moment: memory of its own for each would take longer than to encode it. */
export class TransientUtf8 {
  #memory = new Uint8Array(256);

  /** Valid until the next call. */
  encode(text: string): Uint8Array {
    if (text.length > longestText) return utf8.encode(text);
    // No character of a string takes more than three bytes.
    const size = 3 * text.length;
    if (size > this.#memory.length) this.#memory = new Uint8Array(2 * size);
    return this.#memory.subarray(0, utf8.encodeInto(text, this.#memory).written);
  }
}
