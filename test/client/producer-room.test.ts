import { Producer, type ProducerOptions, type RecordMetadata } from "@ktables/client";
import type { EmbeddedBroker } from "@ktables/client/testing";
import { nextBatch } from "@ktables/record-batch";
import { describe, expect, test } from "vitest";
import { until } from "../suites/support.ts";
import { atEnd, bytes, clientFor, failureOf, SeenRecords, startBroker } from "./embedded.ts";

/** Room for two records of 500 bytes. */
const roomForTwo: ProducerOptions = { maxBufferedBytes: 1100 };
const value = new Uint8Array(500);

function producerFor(broker: EmbeddedBroker, options: ProducerOptions): Producer {
  const producer = new Producer(clientFor(broker), options);
  atEnd(() => producer.close());
  return producer;
}

const send = (producer: Producer, key: string, signal?: AbortSignal): Promise<RecordMetadata> =>
  producer.send({ topic: "t", key: bytes(key), value }, { signal });

/** Holds requests until it is opened, and counts the records in them. */
function gate(broker: EmbeddedBroker): { open(): void; readonly records: number; until(count: number): Promise<void> } {
  let open: () => void = () => undefined;
  let records = 0;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  broker.intercept("Produce", async (request) => {
    for (const { partitionData } of request.topicData) {
      for (const data of partitionData) {
        records += (data.records && nextBatch(data.records, 0)?.recordCount) ?? 0;
      }
    }
    await opened;
    return "pass";
  });
  return {
    open,
    get records() {
      return records;
    },
    until: (count) => until(() => records >= count),
  };
}

async function keysIn(broker: EmbeddedBroker, count: number): Promise<(string | null)[]> {
  const seen = new SeenRecords(clientFor(broker));
  await seen.reader.start();
  await seen.until(({ records }) => records.length >= count);
  return seen.keys;
}

describe("maxBufferedBytes", () => {
  test("bounds what is on its way; the rest waits and is written in order", async () => {
    const broker = await startBroker();
    const producer = producerFor(broker, roomForTwo);
    const door = gate(broker);
    const keys = Array.from({ length: 9 }, (_, index) => `k${index}`);
    const sends = keys.map((key) => send(producer, key));
    await door.until(2);
    // Whatever could follow has had its turn.
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(door.records).toBe(2);
    door.open();
    expect((await Promise.all(sends)).map(({ offset }) => offset)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(await keysIn(broker, 9)).toEqual(keys);
  });

  test("a record that would fit does not overtake one that waits", async () => {
    const broker = await startBroker();
    const producer = producerFor(broker, roomForTwo);
    const door = gate(broker);
    const sends = [send(producer, "a"), send(producer, "large")];
    sends.push(send(producer, "waits"), producer.send({ topic: "t", key: bytes("small"), value: null }));
    await door.until(2);
    door.open();
    await Promise.all(sends);
    expect(await keysIn(broker, 4)).toEqual(["a", "large", "waits", "small"]);
  });

  test("who stops waiting for room gets the reason, and nothing is written", async () => {
    const broker = await startBroker();
    const producer = producerFor(broker, roomForTwo);
    const door = gate(broker);
    const abort = new AbortController();
    const sends = [send(producer, "a"), send(producer, "b")];
    const withdrawn = failureOf(send(producer, "withdrawn", abort.signal));
    sends.push(send(producer, "c"));
    await door.until(2);
    const reason = new Error("changed my mind");
    abort.abort(reason);
    expect(await withdrawn).toBe(reason);
    door.open();
    await Promise.all(sends);
    expect(await keysIn(broker, 3)).toEqual(["a", "b", "c"]);
  });

  test("waiting for room counts towards the delivery timeout, and is certainly not written", async () => {
    const broker = await startBroker();
    const producer = producerFor(broker, { ...roomForTwo, deliveryTimeoutMs: 200 });
    gate(broker);
    const errors = await Promise.all(["a", "b", "c"].map((key) => failureOf(send(producer, key))));
    expect(errors.map(({ code }) => code)).toEqual(["TIMEOUT", "TIMEOUT", "TIMEOUT"]);
    expect(errors.map(({ maybeWritten }) => maybeWritten)).toEqual([true, true, false]);
    // Also one that comes later, and finds the room taken by what was given up and is still in flight.
    const late = failureOf(send(producer, "d"));
    expect(await late).toMatchObject({ code: "TIMEOUT", maybeWritten: false });
  });

  test("nothing lingers while somebody waits for room", async () => {
    const broker = await startBroker();
    const producer = producerFor(broker, { ...roomForTwo, lingerMs: 3_600_000 });
    const first = send(producer, "the topic is known from now on");
    await producer.flush();
    await first;
    const sends = Array.from({ length: 7 }, (_, index) => send(producer, String(index)));
    // The last ones have nobody behind them and may linger.
    await Promise.all(sends.slice(0, 4));
    await producer.flush();
    expect((await Promise.all(sends)).at(-1)?.offset).toBe(7);
  });

  test("nor while somebody waits behind those who got the room of what was given up", async () => {
    const broker = await startBroker({ nodes: 2, topics: [{ name: "t", partitions: 2, replicationFactor: 1 }] });
    broker.intercept("Produce", (_, { node }) => (node === 0 ? "ignore" : "pass"));
    const producer = producerFor(broker, { ...roomForTwo, lingerMs: 3_600_000, deliveryTimeoutMs: 1500 });
    const sendTo = (partition: number): Promise<RecordMetadata> =>
      producer.send({ topic: "t", key: bytes("k"), value, partition });
    const lost = [failureOf(sendTo(0)), failureOf(sendTo(0))];
    await new Promise((resolve) => setTimeout(resolve, 750));
    const sends = [sendTo(1), sendTo(1)];
    const last = sendTo(1);
    for (const error of await Promise.all(lost)) expect(error.code).toBe("TIMEOUT");
    expect((await Promise.all(sends)).map(({ offset }) => offset)).toEqual([0, 1]);
    void producer.flush();
    expect((await last).offset).toBe(2);
  });

  test("flush and close wait for those that wait for room", async () => {
    const broker = await startBroker();
    const producer = producerFor(broker, roomForTwo);
    const first = Array.from({ length: 5 }, (_, index) => send(producer, String(index)));
    let settled = 0;
    for (const one of first) void one.then(() => settled++);
    await producer.flush();
    await new Promise((resolve) => setImmediate(resolve));
    expect(settled).toBe(5);
    const second = Array.from({ length: 5 }, (_, index) => send(producer, String(index)));
    await producer.close();
    expect((await Promise.all(second)).map(({ offset }) => offset)).toEqual([5, 6, 7, 8, 9]);
  });

  test("closing the client gives up those that wait for room", async () => {
    const broker = await startBroker();
    const client = clientFor(broker);
    const producer = new Producer(client, roomForTwo);
    const door = gate(broker);
    const failures = ["a", "b", "c"].map((key) => failureOf(send(producer, key)));
    await door.until(2);
    client.close();
    const errors = await Promise.all(failures);
    expect(errors.map(({ code }) => code)).toEqual(["CLOSED", "CLOSED", "CLOSED"]);
    expect(errors[2]).toMatchObject({ maybeWritten: false });
  });

  test("a record that can never fit is refused at once", async () => {
    const broker = await startBroker();
    const producer = producerFor(broker, { maxBufferedBytes: 500 });
    expect(await failureOf(send(producer, "a"))).toMatchObject({ code: "INVALID_OPTION", option: "value" });
    expect(await failureOf(Promise.resolve().then(() => producerFor(broker, { maxBufferedBytes: 0 })))).toMatchObject({
      option: "maxBufferedBytes",
    });
  });

  test("room comes back from records that fail, of topics that do not exist too", async () => {
    const broker = await startBroker();
    const producer = producerFor(broker, { ...roomForTwo, deliveryTimeoutMs: 300 });
    const lost = ["a", "b", "c", "d"].map((key) =>
      failureOf(producer.send({ topic: "missing", key: bytes(key), value })),
    );
    for (const error of await Promise.all(lost)) expect(error.maybeWritten).toBe(false);
    const refused = [...Array(5).keys()].map(() =>
      failureOf(producer.send({ topic: "t", key: bytes("x"), value, partition: 9 })),
    );
    for (const error of await Promise.all(refused)) expect(error.code).toBe("INVALID_OPTION");
    expect((await send(producer, "fits")).offset).toBe(0);
    expect((await Promise.all([send(producer, "1"), send(producer, "2")])).map(({ offset }) => offset)).toEqual([1, 2]);
  });
});
