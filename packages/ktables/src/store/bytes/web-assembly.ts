/** The little of WebAssembly that is used here, which neither every runtime nor every `lib` has. */
interface WebAssemblyNamespace {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: object };
  readonly Memory: new (descriptor: { readonly initial: number; readonly maximum: number }) => WebAssemblyMemory;
}

declare const WebAssembly: WebAssemblyNamespace | undefined;

export interface WebAssemblyMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

/** 4 GiB, in pages of 64 KiB. */
export const maximumPages = 65_536;

/** Undefined where there is no WebAssembly, and where the process has no room for another 4 GiB of addresses. */
export function newMemory(initial: number): WebAssemblyMemory | undefined {
  try {
    return typeof WebAssembly === "undefined" ? undefined : new WebAssembly.Memory({ initial, maximum: maximumPages });
  } catch {
    return undefined;
  }
}

/** Runs the module, which is given in base64, on that memory; undefined where it cannot run, for want of SIMD for instance. */
export function instantiate(base64: string, memory: WebAssemblyMemory): object | undefined {
  try {
    if (typeof WebAssembly === "undefined") return undefined;
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    return new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } }).exports;
  } catch {
    return undefined;
  }
}
