import { defineConfig } from "vitest/config";

const conditions = ["@ktables/source"];

/** The suites that need real Kafka. One file at a time: each starts brokers, and two at once gain nothing on two cores. */
export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions: [...conditions, "node", "import", "default"] } },
  test: {
    include: ["test/kafka/**/*.test.ts"],
    // Needs the engine and the image that test/harness/testcontainers-suite.ts provides.
    exclude: process.env["KTABLES_LAUNCHER"] === "testcontainers" ? [] : ["test/kafka/testcontainers.test.ts"],
    fileParallelism: false,
    // The first start of a version resolves its jars and makes its class-data archive.
    testTimeout: 120_000,
    hookTimeout: 180_000,
    dangerouslyIgnoreUnhandledErrors: false,
  },
});
