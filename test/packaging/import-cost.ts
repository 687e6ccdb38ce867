import { join } from "node:path";
import { root } from "../command.ts";
import { runCommand } from "../harness/run-command.ts";

/** Time would depend on what else the machine does. Most of it goes into parsing, so that the size says enough. */
const largestImport = 290_000;

/** @throws Error when `import "ktables"` loads more than it did, or when classes have other names than their exports */
export async function checkImportCost(consumer: string): Promise<void> {
  const output = await runCommand(join(root, "node_modules/.bin/node"), ["import-cost.mjs"], { cwd: consumer });
  const { bytes, builtins, exported, misnamed } = JSON.parse(output) as {
    bytes: number;
    builtins: string[];
    exported: number;
    misnamed: string[];
  };
  if (!(bytes > 100_000 && bytes <= largestImport))
    throw new Error(`${bytes} bytes are loaded, more than ${largestImport}, or nearly none`);
  if (builtins.length > 0) throw new Error(`modules of the runtime are loaded: ${builtins.join(", ")}`);
  if (!(exported > 50) || misnamed.length > 0) throw new Error(`other names than exported: ${misnamed.join(", ")}`);
}
