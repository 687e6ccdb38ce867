import { EmbeddedBroker } from "@ktables/client/testing";
import { changesSuite } from "../suites/changes-suite.ts";

changesSuite("the embedded broker", async () => {
  const broker = await EmbeddedBroker.start();
  return { bootstrapServers: broker.bootstrapServers, stop: () => broker.close() };
});
