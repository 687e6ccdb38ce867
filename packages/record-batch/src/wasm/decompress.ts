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
 * What the module declares. Its memory does not shrink again, so that this is what it may hold on to: enough for the
 * largest block of an LZ4 frame. Larger blocks, which only raw Snappy has, take the plain JavaScript path.
 */
const maxMemory = 160 * pageSize;
/** The furthest that an LZ4 match reaches back. */
const lz4Window = 65_535;
/** Copying more history than this for each byte of a block is not worth it, and a way to keep a reader busy. */
const maxHistoryRatio = 64;

const lazyModule: LazyModule<DecompressExports> = /* @__PURE__ */ new LazyModule(decompressModule, (exports) => {
  exports.initialize();
  memory = new Uint8Array(exports.memory.buffer);
});
let memory: Uint8Array = /* @__PURE__ */ new Uint8Array(0);

/** The contract of `decompressLz4Block`; undefined where it cannot be done, or not well. */
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
  if (exports === undefined) return undefined;
  const inputAt = exports.freeMemory.value;
  const inputEnd = inputAt + end - start;
  const history = Math.min(lz4Window, outputStart - windowStart);
  if (history > maxHistoryRatio * (end - start)) return undefined;
  const historyAt = inputEnd + slack;
  const outputAt = historyAt + history;
  // No element makes more than 255 bytes of one.
  const outputLimit = outputAt + Math.min(outputEnd - outputStart, 255 * (end - start));
  if (!ensureMemory(exports, outputLimit + slack)) return undefined;
  memory.set(bytes.subarray(start, end), inputAt);
  if (history > 0) memory.set(output.subarray(outputStart - history, outputStart), historyAt);
  const result = exports.decompressLz4(inputAt, inputEnd, outputAt, outputLimit, historyAt);
  if (result < 0) return result;
  output.set(memory.subarray(outputAt, result), outputStart);
  return outputStart + result - outputAt;
}

/** The elements of one block, whose output has exactly the size that is given; undefined where it cannot be done. */
export function decompressSnappyByWebAssembly(
  bytes: Uint8Array,
  start: number,
  end: number,
  output: Uint8Array,
  outputStart: number,
  outputEnd: number,
): number | undefined {
  const exports = lazyModule.get();
  if (exports === undefined) return undefined;
  const inputAt = exports.freeMemory.value;
  const inputEnd = inputAt + end - start;
  const outputAt = inputEnd + slack;
  const outputLimit = outputAt + outputEnd - outputStart;
  if (!ensureMemory(exports, outputLimit + slack)) return undefined;
  memory.set(bytes.subarray(start, end), inputAt);
  const result = exports.decompressSnappy(inputAt, inputEnd, outputAt, outputLimit);
  if (result < 0) return result;
  output.set(memory.subarray(outputAt, result), outputStart);
  return outputStart + result - outputAt;
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
