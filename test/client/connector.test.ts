import { once } from "node:events";
import type { Connector } from "@ktables/client";
import { expect, test } from "vitest";
import { atEnd, bytes, clientFor, failureOf, reading, startBroker } from "./embedded.ts";
import { FakePeer } from "./fake-peer.ts";
import { Tap } from "./tapped-connector.ts";

test("a connector carries everything", async () => {
  const broker = await startBroker();
  const tap = new Tap();
  const seen = await reading(broker, {}, { connector: tap.connector });
  broker.writeTransaction("t", 0, [{ key: bytes("a"), value: null, timestamp: 0 }], "commit");
  await seen.until(({ keys }) => keys.includes("a"));
  expect(tap.connections).toBe(2);
  expect(new Set(broker.requests.map(({ api }) => api))).toEqual(
    new Set(["ApiVersions", "Metadata", "ListOffsets", "Fetch"]),
  );
});

test("a connector is told the address that the cluster advertises, not where it leads to", async () => {
  const broker = await startBroker();
  const asked: string[] = [];
  const tap = new Tap();
  const [host = "", port = ""] = broker.bootstrapServers.split(":");
  const connector: Connector = (address, events, signal) => {
    asked.push(`${address.host}:${address.port}`);
    return tap.connector({ host, port: Number(port) }, events, signal);
  };
  await clientFor({ bootstrapServers: "[2001:db8::1]:19092" }, { connector }).topicMetadata("t");
  expect(asked).toEqual(["2001:db8::1:19092"]);
});

test.each([
  ["rejects", (): Promise<never> => Promise.reject(new Error("no tunnel"))],
  [
    "throws",
    (): never => {
      throw new Error("no tunnel");
    },
  ],
])("a connector that %s is tried again; its error is the cause", async (_, fail) => {
  const broker = await startBroker();
  const tap = new Tap();
  let attempts = 0;
  const connector: Connector = (...args) => (++attempts <= 2 ? fail() : tap.connector(...args));
  const error = await failureOf(clientFor(broker, { connector: () => fail() }).topicMetadata("t", { timeoutMs: 30 }));
  expect(error).toMatchObject({ code: "CONNECTION_FAILED", retriable: true, cause: { message: "no tunnel" } });
  expect(error.message).toContain("no tunnel");
  await clientFor(broker, { connector }).topicMetadata("t", { timeoutMs: 2000 });
  expect(attempts).toBe(3);
});

test("a connector that never comes back is given up in time, and told so", async () => {
  let aborted: Promise<unknown> | undefined;
  const connector: Connector = (_address, _events, signal) => {
    aborted = once(signal as AbortSignal, "abort");
    return new Promise(() => undefined);
  };
  const client = clientFor({ bootstrapServers: "h:1" }, { connector, connectTimeoutMs: 40 });
  const error = await failureOf(client.topicMetadata("t", { timeoutMs: 60 }));
  expect(error["code"]).toBe("CONNECTION_FAILED");
  await aborted;
});

test("a connection that comes too late is ended", async () => {
  const peer = await FakePeer.start(() => undefined);
  atEnd(() => peer.close());
  const tap = new Tap();
  let late: Promise<unknown> = Promise.resolve();
  const connector: Connector = (address, events) => {
    const opening = new Promise((resolve) => setTimeout(resolve, 60)).then(() =>
      tap.connector(address, events, new AbortController().signal),
    );
    late = opening;
    return opening;
  };
  const client = clientFor({ bootstrapServers: peer.address }, { connector, connectTimeoutMs: 20 });
  await failureOf(client.topicMetadata("t", { timeoutMs: 20 }));
  client.close();
  await late;
  while (peer.openConnections > 0) await new Promise((resolve) => setTimeout(resolve, 5));
});
