/** Everything that is wrong without running the library: format, lint, types, stale generated code. */
import { run } from "./command.ts";

await run("biome", ["check", "."]);
await run("tsc", ["-p", "test"]);
await run("oxlint", ["--type-aware", "--deny-warnings", "examples", "packages", "protocol-specs", "test"]);
await run("node", ["protocol-specs/generate.ts", "--check"]);
await run("node", ["packages/build-wasm.ts", "--check"]);
