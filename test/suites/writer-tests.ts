import { listOffsets, partitionForKey } from "@ktables/client";
import { json, KafkaTableWriter, string } from "ktables";
import { describe, expect, type test as vitestTest } from "vitest";
import { LostAnswers } from "./lost-answers.ts";
import { has, newTopic, rejection, until, utf8 } from "./support.ts";
import type { TableFixture } from "./table-fixture.ts";

/** What a writer does with what it is given. */
export function writerTests(fixture: TableFixture, test: typeof vitestTest): void {
  const { connection, openTable, openWriter, opened } = fixture;

  describe("writer", () => {
    test("a write resolves with a token that says where it is", async () => {
      const topic = newTopic("token");
      const writer = await openWriter({ topic, value: string() });
      const first = await writer.set("k", "v");
      const second = await writer.delete("k");
      expect(first).toMatchObject({ topic, partition: 0, offset: 0 });
      expect(second).toMatchObject({ topic, partition: 0, offset: 1 });
      if (has(fixture.broker, "topic ids")) expect(first.topicId).toMatch(/^[\w-]{22}$/);
      else expect(first).not.toHaveProperty("topicId");
      expect(JSON.parse(JSON.stringify(first))).toEqual(first);
    });

    test("writes of one key stay in the order of the calls", async () => {
      const topic = newTopic("order");
      const writer = await openWriter({ topic, value: json<number>() });
      const tokens = await Promise.all(Array.from({ length: 200 }, (_, i) => writer.set("k", i)));
      expect(tokens.map(({ offset }) => offset)).toEqual(Array.from({ length: 200 }, (_, i) => i));
    });

    test("answers that are lost lead to no second copy where the broker knows the writer, and never to disorder", async () => {
      const topic = newTopic("lost-answers");
      const lost = new LostAnswers();
      const writer = new KafkaTableWriter({
        connection: { ...connection(), connector: lost.connector },
        topic,
        value: json<number>(),
        // One record a batch, so that several are under way.
        maxBatchBytes: 50,
      });
      opened.push(writer);
      await writer.start();
      // After the first answer several batches may be under way.
      await writer.set("k", 0);
      lost.cuts = 3;
      const writes = Array.from({ length: 40 }, (_, i) => writer.set("k", i + 1));
      await Promise.all(writes);
      expect(lost.cuts).toBe(0);
      const seen: number[] = [];
      await openTable({ topic, value: json<number>(), onSet: (_, value) => seen.push(value) });
      const first = seen.filter((value, index) => seen.indexOf(value) === index);
      expect(first).toEqual(Array.from({ length: 41 }, (_, i) => i));
      if (has(fixture.broker, "idempotence")) expect(seen).toEqual(first);
      // Without it one batch at a time is under way, which is the one that may be there twice.
      else expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    });

    test("a bulk of writes is there when its tokens are", async () => {
      const topic = newTopic("bulk");
      const writer = await openWriter({ topic, value: json<number>(), partitions: 3 });
      const table = await openTable({ topic, value: json<number>() });
      const entries = Array.from({ length: 5000 }, (_, i) => [`key-${i % 1000}`, i] as const);
      const { written, tokens } = await writer.setAll(entries);
      expect(written).toBe(5000);
      await table.waitFor(tokens);
      expect(new Map(table)).toEqual(new Map(entries));
    });

    test("writes that wait for room are written too, in order", async () => {
      const topic = newTopic("room");
      const writer = await openWriter({ topic, value: string(), maxBufferedBytes: 2000, lingerMs: 5 });
      const tokens = await Promise.all(Array.from({ length: 100 }, (_, i) => writer.set(`k${i}`, "v".repeat(900))));
      expect(tokens.map(({ offset }) => offset)).toEqual(Array.from({ length: 100 }, (_, i) => i));
    });

    test("keys go to the partitions that Java's default partitioner chooses", async () => {
      const topic = newTopic("partitions");
      const writer = await openWriter({ topic, value: string(), partitions: 5 });
      for (const key of ["", "a", "billing", "é😀", "some-longer-key-0123456789"]) {
        expect((await writer.set(key, "v")).partition).toBe(partitionForKey(utf8(key), 5));
      }
      // From the Java client: murmur2("21") % 5 with the sign bit cleared.
      expect((await writer.set("21", "v")).partition).toBe((-973932308 & 0x7fffffff) % 5);
    });

    test("a writer is of no use before the start, and can be started again after a stop", async () => {
      const topic = newTopic("restart");
      const writer = new KafkaTableWriter({ connection: connection(), topic, value: string() });
      opened.push(writer);
      expect(await rejection(writer.set("k", "v"))).toMatchObject({ code: "NOT_STARTED" });
      expect(await rejection(writer.delete("k"))).toMatchObject({ code: "NOT_STARTED" });
      await writer.stop();
      await writer.start();
      expect(await rejection(writer.start())).toMatchObject({ code: "ALREADY_STARTED" });
      expect((await writer.set("k", "1")).offset).toBe(0);
      await writer.stop();
      expect(writer.started).toBe(false);
      expect(await rejection(writer.set("k", "2"))).toMatchObject({ code: "NOT_STARTED" });
      await writer.start();
      expect((await writer.set("k", "2")).offset).toBe(1);
    });

    test("stopping a writer waits for what was written", async () => {
      const topic = newTopic("flush");
      const writer = await openWriter({ topic, value: json<number>(), lingerMs: 30 });
      const writes = Array.from({ length: 50 }, (_, i) => writer.set(`k${i}`, i));
      // All are on their way before the stop.
      await writes[0];
      const late = writer.set("late", 1);
      await new Promise((resolve) => setImmediate(resolve));
      await writer.stop();
      expect(await Promise.all([...writes, late])).toHaveLength(51);
      expect((await listOffsets(fixture.client, topic, "latest")).get(0)).toBe(51);
    });

    test("what cannot be encoded reaches the caller, and nothing is sent", async () => {
      const topic = newTopic("encode");
      const broken = new Error("encoder is broken");
      let result: unknown;
      const writer = await openWriter<string>({
        topic,
        value: {
          encode: () => {
            if (result instanceof Error) throw result;
            return result as Uint8Array;
          },
          decode: () => "",
        },
      });
      result = broken;
      expect(await rejection(writer.set("k", "v"))).toBe(broken);
      for (result of [null, undefined, "text", [1, 2]]) {
        expect(await rejection(writer.set("k", "v"))).toMatchObject({ code: "ENCODE_FAILED" });
      }
      result = utf8("v");
      expect(await rejection(writer.set("lone surrogate \uD800", "v"))).toMatchObject({ code: "ENCODE_FAILED" });
      expect(await rejection(writer.delete("\uDC00"))).toMatchObject({ code: "ENCODE_FAILED" });
      expect(await rejection(writer.set(undefined as unknown as string, "v"))).toMatchObject({
        code: "ENCODE_FAILED",
      });
      expect((await listOffsets(fixture.client, topic, "latest")).get(0)).toBe(0);
      expect((await writer.set("k", "v")).offset).toBe(0);
    });

    test.each([
      ["all", undefined],
      ["all", false],
      ["all", true],
      [1, undefined],
      [0, undefined],
    ] as const)("writes arrive with acks %s and idempotent %s", async (acks, idempotent) => {
      const topic = newTopic("acks");
      const writer = await openWriter({ topic, value: string(), acks, idempotent });
      if (idempotent === true && !has(fixture.broker, "idempotence")) {
        const error = await rejection(writer.set("k", "v"));
        expect(error).toMatchObject({ code: "UNSUPPORTED_API", maybeWritten: false });
        expect(error.message).toContain("InitProducerId");
        return;
      }
      const token = await writer.set("k", "v");
      expect(token.offset).toBe(acks === 0 ? -1 : 0);
      const table = await openTable({ topic, value: string() });
      // Nobody has acknowledged a write with acks 0, so that no barrier covers it.
      await until(() => table.get("k") === "v");
    });

    test.each(["gzip", "snappy", "lz4", "zstd"] as const)("a table reads what was written with %s", async (name) => {
      const topic = newTopic(name);
      const writer = await openWriter({ topic, value: string(), compression: name });
      if (name === "zstd" && !has(fixture.broker, "zstd")) {
        const error = await rejection(writer.set("k", "v"));
        expect(error).toMatchObject({ code: "UNSUPPORTED_API", maybeWritten: false });
        expect(error.message).toContain("zstd");
        return;
      }
      await Promise.all(Array.from({ length: 100 }, (_, i) => writer.set(`k${i}`, "value ".repeat(i))));
      const table = await openTable({ topic, value: string() });
      expect(table.size).toBe(100);
      expect(table.get("k99")).toBe("value ".repeat(99));
    });
  });
}
