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
const maximumPages = 65_536;

/** Undefined where there is no WebAssembly, and where the process has no room for another 4 GiB of addresses. */
export function newMemory(initial: number): WebAssemblyMemory | undefined {
  try {
    return typeof WebAssembly === "undefined" ? undefined : new WebAssembly.Memory({ initial, maximum: maximumPages });
  } catch {
    return undefined;
  }
}

/** A module that is compiled when it is first needed, and runs on memories that it is given. */
export class SharedModule {
  readonly #base64: string;
  #module: object | undefined;

  constructor(base64: string) {
    this.#base64 = base64;
  }

  /** Undefined where it cannot run, for want of SIMD for instance. */
  on(memory: WebAssemblyMemory): object | undefined {
    try {
      if (typeof WebAssembly === "undefined") return undefined;
      this.#module ??= new WebAssembly.Module(Uint8Array.from(atob(this.#base64), (text) => text.charCodeAt(0)));
      return new WebAssembly.Instance(this.#module, { env: { memory } }).exports;
    } catch {
      return undefined;
    }
  }
}
