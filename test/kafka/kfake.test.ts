import { afterAll, beforeAll, describe } from "vitest";
import { type GoPeer, goPeerUnavailable, startGoPeer } from "../harness/go-peer.ts";
import { changesSuite } from "../suites/changes-suite.ts";
import type { SuiteBroker } from "../suites/support.ts";
import { tableSuite } from "../suites/table-suite.ts";
import { skipsWithout } from "./foreign-tools.ts";

/** kfake, the cluster in memory that franz-go is tested with: nobody here wrote it. */
describe.skipIf(skipsWithout("kfake", await goPeerUnavailable()))("kfake", () => {
  let peer: GoPeer;
  beforeAll(async () => {
    peer = await startGoPeer();
  }, 600_000);
  afterAll(async () => {
    await peer?.stop();
  });

  async function start(): Promise<SuiteBroker> {
    const { bootstrapServers } = await peer.call("startCluster", { brokers: 3 });
    return { bootstrapServers, stop: async () => void (await peer.call("stopCluster", { bootstrapServers })) };
  }

  tableSuite("kfake", start);
  changesSuite("kfake", start);
});
