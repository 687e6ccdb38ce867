import { EmbeddedBroker } from "@ktables/client/testing";
import { contentsSuite } from "../suites/contents-suite.ts";

contentsSuite("the embedded broker", async () => {
  const broker = await EmbeddedBroker.start();
  return { bootstrapServers: broker.bootstrapServers, stop: () => broker.close() };
});
