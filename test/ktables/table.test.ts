import { type BrokerLine, EmbeddedBroker } from "@ktables/client/testing";
import { tableSuite } from "../suites/table-suite.ts";

tableSuite("the embedded broker", async () => {
  const broker = await EmbeddedBroker.start();
  return { bootstrapServers: broker.bootstrapServers, stop: () => broker.close() };
});

const lines: readonly BrokerLine[] = ["0.11", "1.1", "2.4", "2.8", "3.9", "event-hubs"];
for (const line of lines) {
  tableSuite(`the embedded broker as ${line}`, async () => {
    const broker = await EmbeddedBroker.start({ asVersion: line });
    return { bootstrapServers: broker.bootstrapServers, version: line, stop: () => broker.close() };
  });
}
