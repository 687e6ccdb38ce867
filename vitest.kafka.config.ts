import { defineConfig } from "vitest/config";

const conditions = ["@ktables/source"];

/** What tables do, which is the same wherever they keep their contents; the others name their stores where it matters. */
const testsOfTables = ["changes", "contents", "resync", "table"].map((name) => `test/kafka/${name}.test.ts`);

/** The suites that need real Kafka. One file at a time: each starts brokers, and two at once gain nothing on two cores. */
export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions: [...conditions, "node", "import", "default"] } },
  test: {
    fileParallelism: false,
    // The first start of a version resolves its jars and makes its class-data archive.
    testTimeout: 120_000,
    hookTimeout: 180_000,
    dangerouslyIgnoreUnhandledErrors: false,
    projects: [
      {
        extends: true,
        test: {
          name: "all",
          include: ["test/kafka/**/*.test.ts"],
          // Needs the engine and the image that test/harness/testcontainers-suite.ts provides.
          exclude: process.env["KTABLES_LAUNCHER"] === "testcontainers" ? [] : ["test/kafka/testcontainers.test.ts"],
        },
      },
      { extends: true, test: { name: "byte store", include: testsOfTables, env: { KTABLES_STORE: "bytes" } } },
    ],
  },
});
