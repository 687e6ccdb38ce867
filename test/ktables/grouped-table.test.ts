import { EmbeddedBroker } from "@ktables/client/testing";
import { groupedSuite } from "../suites/grouped-suite.ts";

groupedSuite("the embedded broker", async () => {
  const broker = await EmbeddedBroker.start();
  return { bootstrapServers: broker.bootstrapServers, stop: () => broker.close() };
});
