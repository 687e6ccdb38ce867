/** The little of WebAssembly that is used here, which neither every runtime nor every `lib` has. */
interface WebAssemblyNamespace {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: object };
}

declare const WebAssembly: WebAssemblyNamespace | undefined;

export interface WebAssemblyMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

let allowed = true;

/** Tests run on the plain JavaScript path with `false`. */
export function allowWebAssembly(allow: boolean): void {
  allowed = allow;
}

/** A module that is compiled when it is first asked for: programs that never need it do not pay for it. */
export class LazyModule<Exports extends object> {
  readonly #base64: string;
  readonly #initialize: (exports: Exports) => void;
  #exports: Exports | undefined;
  #isUnavailable = false;

  constructor(base64: string, initialize: (exports: Exports) => void) {
    this.#base64 = base64;
    this.#initialize = initialize;
  }

  /** Undefined where the runtime cannot run it: no WebAssembly, no SIMD, or forbidden by a security policy. */
  get(): Exports | undefined {
    if (!allowed || this.#isUnavailable) return undefined;
    return (this.#exports ??= this.#instantiate());
  }

  #instantiate(): Exports | undefined {
    try {
      if (typeof WebAssembly !== "undefined") {
        const bytes = Uint8Array.from(atob(this.#base64), (character) => character.charCodeAt(0));
        const exports = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as Exports;
        this.#initialize(exports);
        return exports;
      }
    } catch {
      // The plain JavaScript path gives the same results.
    }
    this.#isUnavailable = true;
    return undefined;
  }
}
