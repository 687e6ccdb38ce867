import { brokerErrorFacts } from "@ktables/client/internal";
import { expect, test } from "vitest";
import { startJavaPeer } from "../harness/java-peer.ts";

test("every error code has the name and the nature that Java's client gives it", async () => {
  const peer = await startJavaPeer();
  try {
    const errors = await peer.call("errors", {});
    expect(errors.length).toBeGreaterThan(130);
    for (const { code, name, retriable, refreshMetadata } of errors) {
      expect({ code, ...brokerErrorFacts(code) }).toMatchObject({ code, name, retriable, refreshMetadata });
    }
  } finally {
    await peer.stop();
  }
});

test("a code from the future has a name too", () => {
  expect(brokerErrorFacts(9999)).toMatchObject({ name: "UNKNOWN_ERROR_9999", retriable: false });
});
