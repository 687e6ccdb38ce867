import { KafkaError, ProduceError, Producer, type ProducerOptions, type RecordMetadata } from "@ktables/client";
import type { EmbeddedBroker } from "@ktables/client/testing";
import { nextBatch } from "@ktables/record-batch";
import { expect, test } from "vitest";
import { recordMetadata } from "../../packages/client/src/producer-batch.ts";
import { until } from "../suites/support.ts";
import { atEnd, bytes, clientFor, failureOf, SeenRecords, startBroker } from "./embedded.ts";

function producerFor(broker: EmbeddedBroker, options: ProducerOptions = {}): Producer {
  const producer = new Producer(clientFor(broker), options);
  atEnd(() => producer.close());
  return producer;
}

/** As a writer of tables sends what it has as text. */
const sendText = (producer: Producer, key: string, value: string | null): Promise<RecordMetadata> =>
  producer.sendAs({ topic: "t", key, value }, recordMetadata, undefined);

const texts = ["a", "é", "", "x".repeat(200), `${"x".repeat(200)}€`, "😀".repeat(30), "€".repeat(20_000), "z"];

test("text is written as UTF-8, in the order of the calls, and so are bytes between", async () => {
  const broker = await startBroker();
  const producer = producerFor(broker);
  const sends = texts.flatMap((text, index) => [
    sendText(producer, `${text} ${index}`, text),
    producer.send({ topic: "t", key: bytes(`bytes ${index}`), value: null }),
  ]);
  const offsets = (await Promise.all(sends)).map(({ offset }) => offset);
  expect(offsets).toEqual(sends.map((_, index) => index));
  const seen = new SeenRecords(clientFor(broker));
  await seen.reader.start();
  await seen.until(({ records }) => records.length >= sends.length);
  expect(seen.keys).toEqual(texts.flatMap((text, index) => [`${text} ${index}`, `bytes ${index}`]));
  expect(seen.records.filter((_, index) => index % 2 === 0).map(({ value }) => value)).toEqual(texts);
});

test("text goes to the partition of its bytes", async () => {
  const broker = await startBroker({ topics: [{ name: "t", partitions: 7 }] });
  const producer = producerFor(broker);
  for (const key of texts) {
    const [asText, asBytes] = await Promise.all([
      sendText(producer, key, "v"),
      producer.send({ topic: "t", key: bytes(key), value: null }),
    ]);
    expect(asText.partition).toBe(asBytes.partition);
  }
});

test("what text takes in UTF-8 counts for a batch", async () => {
  const broker = await startBroker();
  const sizes: number[] = [];
  broker.intercept("Produce", (request) => {
    for (const { partitionData } of request.topicData) {
      for (const { records } of partitionData) sizes.push((records && nextBatch(records, 0)?.sizeInBytes) ?? 0);
    }
    return "pass";
  });
  const producer = producerFor(broker, { maxBatchBytes: 1000 });
  // Three of these take a thousand characters, and three thousand bytes.
  await Promise.all(Array.from({ length: 9 }, (_, index) => sendText(producer, String(index), "€".repeat(280))));
  expect(sizes).toHaveLength(9);
  expect(Math.max(...sizes)).toBeLessThan(1000);
});

test("what text takes in UTF-8 counts for the room, which comes back", async () => {
  const broker = await startBroker();
  const producer = producerFor(broker, { maxBufferedBytes: 2000 });
  expect(await failureOf(sendText(producer, "too large", "€".repeat(700)))).toMatchObject({ code: "INVALID_OPTION" });
  for (let round = 0; round < 5; round++) {
    await Promise.all(Array.from({ length: 10 }, (_, index) => sendText(producer, String(index), "€".repeat(500))));
  }
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  let records = 0;
  broker.intercept("Produce", async (request) => {
    for (const { partitionData } of request.topicData) {
      for (const data of partitionData) records += (data.records && nextBatch(data.records, 0)?.recordCount) ?? 0;
    }
    await opened;
    return "pass";
  });
  const sends = Array.from({ length: 3 }, (_, index) => sendText(producer, String(index), "€".repeat(500)));
  await until(() => records > 0);
  // Whatever could follow has had its turn.
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(records).toBe(1);
  open();
  expect((await Promise.all(sends)).map(({ offset }) => offset)).toEqual([50, 51, 52]);
});

test("promises settle in the order of the offsets, and in that of the calls where all fail", async () => {
  const broker = await startBroker();
  const producer = producerFor(broker, { maxBatchBytes: 400 });
  const settled: number[] = [];
  const keys = Array.from({ length: 100 }, (_, index) => index);
  await Promise.all(
    keys.map(async (key) =>
      settled.push((await producer.send({ topic: "t", key: bytes(`${key}`), value: null })).offset),
    ),
  );
  expect(settled).toEqual(keys);
  const refused: number[] = [];
  broker.intercept("Produce", async (_, context) => {
    const answer = await context.handle();
    if (answer === undefined) return "pass";
    const failing = { errorCode: 29, baseOffset: -1 };
    return {
      ...answer,
      responses: answer.responses.map((topic) => ({
        ...topic,
        partitionResponses: topic.partitionResponses.map((partition) => ({ ...partition, ...failing })),
      })),
    };
  });
  await Promise.all(
    keys.map((key) =>
      producer.send({ topic: "t", key: bytes(`${key}`), value: null }).catch((error: unknown) => {
        if (!(error instanceof ProduceError)) throw error;
        refused.push(key);
      }),
    ),
  );
  expect(refused).toEqual(keys);
});

test("what an encoder of text cannot hold is refused alone", async () => {
  const broker = await startBroker();
  const producer = producerFor(broker);
  const bad = producer.sendAs({ topic: "t", key: "b", value: "2", timestamp: 0.5 }, recordMetadata, undefined);
  const sends = [sendText(producer, "a", "1"), failureOf(bad), sendText(producer, "c", "3")];
  const [first, error, last] = await Promise.all(sends);
  expect(error).toBeInstanceOf(KafkaError);
  expect([first, last]).toMatchObject([{ offset: 0 }, { offset: 1 }]);
});
