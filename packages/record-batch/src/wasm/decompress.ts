import { decompressModule } from "./generated/decompress.ts";
import { LazyModule, type WebAssemblyMemory } from "./lazy-module.ts";

interface DecompressExports {
  readonly memory: WebAssemblyMemory;
  readonly freeMemory: { readonly value: number };
  initialize(): void;
  decompressLz4(start: number, end: number, outputStart: number, outputEnd: number, windowStart: number): number;
  decompressSnappy(start: number, end: number, outputStart: number, outputEnd: number): number;
}

const pageSize = 64 * 1024;
/** The module copies 16 bytes at a time and may touch what follows its input and its output. */
const slack = 64;
/**
 * What the module declares. Its memory does not shrink again, so that this is what it may hold on to. Batches that need
 * more take the plain JavaScript path.
 */
const maxMemory = 160 * pageSize;

const lazyModule: LazyModule<DecompressExports> = /* @__PURE__ */ new LazyModule(decompressModule, (exports) => {
  exports.initialize();
  memory = new Uint8Array(exports.memory.buffer);
});
let memory: Uint8Array = /* @__PURE__ */ new Uint8Array(0);

/**
 * Memory of the module for the whole output of a batch, so that nothing has to be copied out of it; undefined where there
 * is none. `largestInput` is what the longest compressed block has. The memory that was handed out before must not be used
 * any more.
 */
export function outputInWebAssembly(size: number, largestInput: number): Uint8Array | undefined {
  const exports = lazyModule.get();
  if (exports === undefined) return undefined;
  const start = exports.freeMemory.value;
  if (!ensureMemory(exports, start + size + slack + largestInput + slack)) return undefined;
  return memory.subarray(start, start + size);
}

/** The contract of `decompressLz4Block`; undefined if the output is not in the module's memory. */
export function decompressLz4ByWebAssembly(
  bytes: Uint8Array,
  start: number,
  end: number,
  output: Uint8Array,
  outputStart: number,
  outputEnd: number,
  windowStart: number,
): number | undefined {
  const exports = lazyModule.get();
  const input = takeInput(bytes, start, end, output);
  if (exports === undefined || input === undefined) return undefined;
  const at = output.byteOffset;
  const result = exports.decompressLz4(input.start, input.end, at + outputStart, at + outputEnd, at + windowStart);
  return result < 0 ? result : result - at;
}

/** The elements of one block, whose output has exactly the size that is given; undefined as above. */
export function decompressSnappyByWebAssembly(
  bytes: Uint8Array,
  start: number,
  end: number,
  output: Uint8Array,
  outputStart: number,
  outputEnd: number,
): number | undefined {
  const exports = lazyModule.get();
  const input = takeInput(bytes, start, end, output);
  if (exports === undefined || input === undefined) return undefined;
  const at = output.byteOffset;
  const result = exports.decompressSnappy(input.start, input.end, at + outputStart, at + outputEnd);
  return result < 0 ? result : result - at;
}

/** Copies a compressed block behind the output. */
function takeInput(
  bytes: Uint8Array,
  start: number,
  end: number,
  output: Uint8Array,
): { readonly start: number; readonly end: number } | undefined {
  if (output.buffer !== memory.buffer) return undefined;
  const inputStart = output.byteOffset + output.length + slack;
  const inputEnd = inputStart + end - start;
  if (inputEnd + slack > memory.length) return undefined;
  memory.set(bytes.subarray(start, end), inputStart);
  return { start: inputStart, end: inputEnd };
}

function ensureMemory(exports: DecompressExports, size: number): boolean {
  if (size <= memory.length) return true;
  if (size > maxMemory) return false;
  try {
    exports.memory.grow(Math.ceil((size - memory.length) / pageSize));
  } catch {
    return false; // the runtime has no memory to give
  }
  memory = new Uint8Array(exports.memory.buffer);
  return true;
}
