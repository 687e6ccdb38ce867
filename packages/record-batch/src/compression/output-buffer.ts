import { outputInWebAssembly } from "../wasm/decompress.ts";

/** Larger buffers are left to the garbage collector. Producers and brokers send batches of up to 1 MiB by default. */
const maxKept = 4 * 1024 * 1024;
const minimumSize = 64 * 1024;

/**
 * Memory to decompress into, which one batch after the other uses: new memory is dear, since the system clears it page
 * by page, which takes longer than decompressing into it. What was taken before must not be used any more.
 */
export class OutputBuffer {
  readonly #mayUseWebAssembly: boolean;
  #bytes: Uint8Array = new Uint8Array(0);

  /** There is one WebAssembly memory, so that only one buffer at a time may lie in it. */
  constructor(mayUseWebAssembly: boolean) {
    this.#mayUseWebAssembly = mayUseWebAssembly;
  }

  /** At least `size` bytes that hold anything. */
  take(size: number): Uint8Array {
    if (size <= this.#bytes.length) return this.#bytes;
    if (size > maxKept) return new Uint8Array(size);
    this.#bytes = new Uint8Array(2 ** Math.ceil(Math.log2(Math.max(size, minimumSize))));
    return this.#bytes;
  }

  /** The same for a codec whose blocks WebAssembly decompresses; the longest of them has up to `largestInput` bytes. */
  takeForBlocks(size: number, largestInput: number): Uint8Array {
    return (this.#mayUseWebAssembly ? outputInWebAssembly(size, largestInput) : undefined) ?? this.take(size);
  }

  /** At least `size` bytes that begin with the first `used` of `bytes`, which is what was taken before. */
  grow(bytes: Uint8Array, used: number, size: number): Uint8Array {
    const larger = this.take(size);
    if (larger !== bytes) larger.set(bytes.subarray(0, used));
    return larger;
  }
}

let shared: OutputBuffer | undefined = /* @__PURE__ */ new OutputBuffer(true);

/** Lends a buffer for the duration of the call; a visitor that visits another batch gets another one. */
export function withOutputBuffer(use: (output: OutputBuffer) => void): void {
  const output = shared ?? new OutputBuffer(false);
  const isShared = output === shared;
  shared = undefined;
  try {
    use(output);
  } finally {
    if (isShared) shared = output;
  }
}
