import { defineConfig } from "vitest/config";

const conditions = ["@ktables/source"];

/** What tables do, which is the same wherever they keep their contents. */
const testsOfTables = [
  "catch-up",
  "changes",
  "contents",
  "cross-partition",
  "entries",
  "following",
  "partitions",
  "poison",
  "python-parity",
  "resync",
  "scan",
  "table",
].map((name) => `test/ktables/${name}.test.ts`);

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions: [...conditions, "node", "import", "default"] } },
  test: {
    testTimeout: 20_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    // A promise nobody awaits, or a rejection nobody handles, is a defect of the library: vitest fails the run on it.
    dangerouslyIgnoreUnhandledErrors: false,
    projects: [
      {
        extends: true,
        test: {
          name: "all",
          include: ["test/**/*.test.ts"],
          exclude: ["test/kafka/**", "test/runtimes/**", "test/bench/**"],
        },
      },
      { extends: true, test: { name: "byte store", include: testsOfTables, env: { KTABLES_STORE: "bytes" } } },
    ],
  },
});
