import { defineConfig } from "vitest/config";

const conditions = ["@ktables/source"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions: [...conditions, "node", "import", "default"] } },
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/kafka/**", "test/runtimes/**", "test/bench/**"],
    testTimeout: 20_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    // A promise nobody awaits, or a rejection nobody handles, is a defect of the library: vitest fails the run on it.
    dangerouslyIgnoreUnhandledErrors: false,
  },
});
