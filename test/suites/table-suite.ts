import { describe } from "vitest";
import { ensureTopicTests } from "./ensure-topic-tests.ts";
import { type Infidelities, type SuiteBroker, testDespite } from "./support.ts";
import { tableFixture } from "./table-fixture.ts";
import { tableTests } from "./table-tests.ts";
import { writerTests } from "./writer-tests.ts";

/** What tables and writers do on any Kafka: run on the embedded broker and on the real one alike. */
export function tableSuite(name: string, start: () => Promise<SuiteBroker>, infidelities: Infidelities = {}): void {
  const test = testDespite(infidelities);
  describe(`table and writer on ${name}`, () => {
    const fixture = tableFixture(start);
    tableTests(fixture, test);
    writerTests(fixture, test);
    ensureTopicTests(fixture, test);
  });
}
