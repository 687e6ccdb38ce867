import { codecs } from "../../packages/record-batch/src/compression/index.ts";
import { allowZlib } from "../../packages/record-batch/src/compression/zlib.ts";

/** For tests where zlib is not allowed, only until there is a zstd of our own: its codec alone still gets it. */
export function letZstdKeepZlib(): void {
  for (const method of ["compress", "decompress"] as const) {
    const original: (...args: never[]) => Uint8Array = codecs.zstd[method];
    codecs.zstd[method] = (...args: unknown[]) => {
      allowZlib(true);
      try {
        return original(...(args as never[]));
      } finally {
        allowZlib(false);
      }
    };
  }
}
