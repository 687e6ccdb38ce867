import { crc32cModule } from "./generated/crc32c.ts";
import { LazyModule, type WebAssemblyMemory } from "./lazy-module.ts";

interface Crc32cExports {
  readonly memory: WebAssemblyMemory;
  readonly input: { readonly value: number };
  readonly inputCapacity: { readonly value: number };
  initialize(): void;
  update(state: number, length: number): number;
}

const lazyModule: LazyModule<Crc32cExports> = /* @__PURE__ */ new LazyModule(crc32cModule, (exports) => {
  exports.initialize();
  input = new Uint8Array(exports.memory.buffer, exports.input.value, exports.inputCapacity.value);
});
/** Where the module expects the bytes; its memory never grows. */
let input: Uint8Array = /* @__PURE__ */ new Uint8Array(0);

/** The CRC-32C of that range, not unsigned yet; undefined where there is no WebAssembly. */
export function crc32cByWebAssembly(bytes: Uint8Array, start: number, end: number): number | undefined {
  const exports = lazyModule.get();
  if (exports === undefined) return undefined;
  const capacity = input.length;
  let state = -1;
  for (let at = start; at < end; at += capacity) {
    const length = Math.min(capacity, end - at);
    input.set(bytes.subarray(at, at + length));
    state = exports.update(state, length);
  }
  return ~state;
}
