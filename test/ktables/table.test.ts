import { EmbeddedBroker } from "@ktables/client/testing";
import { tableSuite } from "../suites/table-suite.ts";

tableSuite("the embedded broker", async () => {
  const broker = await EmbeddedBroker.start();
  return { bootstrapServers: broker.bootstrapServers, stop: () => broker.close() };
});
