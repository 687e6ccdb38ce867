import { type Codec, string } from "ktables";
import { describe, expect, test } from "vitest";
import { rejection, until, utf8 } from "../suites/support.ts";
import { Door, Fixture } from "./support.ts";

describe("a writer", () => {
  const fixture = new Fixture();

  test("writes once when the acknowledgement is lost", async () => {
    const writer = await fixture.openWriter();
    fixture.broker.intercept(
      "Produce",
      async (_request, context) => {
        await context.handle();
        return "close";
      },
      { times: 1 },
    );
    await writer.set("a", "1");
    const next = await writer.set("a", "2");
    expect(next.offset).toBe(1);
    const table = await fixture.openTable();
    expect(table.stats.recordsApplied).toBe(2);
  });

  test("says that a write may have happened when nobody knows", async () => {
    const writer = await fixture.openWriter({ deliveryTimeoutMs: 400 });
    fixture.broker.intercept("Produce", async (_request, context) => {
      await context.handle();
      return "ignore";
    });
    const error = await rejection(writer.set("a", "1"));
    expect(error).toMatchObject({ name: "ProduceError", maybeWritten: true, topic: "t" });
  });

  test("an aborted wait rejects with the signal's reason; the record is written all the same", async () => {
    const writer = await fixture.openWriter();
    const door = new Door();
    fixture.broker.intercept("Produce", door.wait);
    const abort = new AbortController();
    const write = rejection(writer.set("a", "1", { signal: abort.signal }));
    await until(() => fixture.apis.includes("Produce"));
    const reason = new Error("no patience");
    abort.abort(reason);
    expect(await write).toBe(reason);
    door.open();
    await writer.stop();
    const table = await fixture.openTable();
    expect(table.get("a")).toBe("1");
  });

  test("does without producer ids where the broker has none, unless idempotence is asked for", async () => {
    const { EmbeddedBroker } = await import("@ktables/client/testing");
    await using old = await EmbeddedBroker.start({ topics: [{ name: "t" }], maxVersions: { InitProducerId: -1 } });
    const connection = fixture.connection({ bootstrapServers: old.bootstrapServers });
    const writer = await fixture.openWriter({ connection });
    expect((await writer.set("a", "1")).offset).toBe(0);
    const strict = await fixture.openWriter({ connection, idempotent: true });
    expect(await rejection(strict.set("a", "1"))).toMatchObject({ code: "UNSUPPORTED_API" });
    const plain = await fixture.openWriter({ connection, idempotent: false });
    expect((await plain.set("a", "2")).offset).toBe(1);
  });

  test.each(["CreateTopics", "Metadata"] as const)(
    "an aborted start that waits for %s closes everything, and may be repeated",
    async (api) => {
      let ended = false;
      const remove = fixture.broker.intercept(api, (_request, context) => {
        context.signal.addEventListener("abort", () => {
          ended = true;
        });
        return "ignore";
      });
      const writer = fixture.writer();
      const abort = new AbortController();
      const starting = rejection(writer.start({ signal: abort.signal }));
      await until(() => fixture.apis.includes(api));
      const reason = new Error("changed my mind");
      abort.abort(reason);
      expect(await starting).toBe(reason);
      expect(writer.started).toBe(false);
      await until(() => ended);
      remove();
      await writer.start();
      expect((await writer.set("a", "1")).offset).toBe(0);
    },
  );

  test("stopping a writer that is starting ends the start", async () => {
    fixture.broker.intercept("CreateTopics", () => "ignore");
    const writer = fixture.writer();
    const starting = rejection(writer.start());
    await until(() => fixture.apis.includes("CreateTopics"));
    await writer.stop();
    expect(await starting).toMatchObject({ code: "STOPPED" });
    expect(writer.started).toBe(false);
  });

  test("a missing topic fails the start with its name", async () => {
    const connection = fixture.connection({ requestTimeoutMs: 100 });
    const writer = fixture.writer({ connection, topic: "missing", ensureTopic: false });
    expect(await rejection(writer.start())).toMatchObject({ code: "UNKNOWN_TOPIC_OR_PARTITION", topic: "missing" });
  });

  test("a value that cannot be encoded, and a wait that is given up, leave the writes around them alone", async () => {
    const writer = await fixture.openWriter({
      value: {
        encode: (value) => {
          if (value === "bad") throw new RangeError("no such value");
          return string().encode(value);
        },
        decode: (encoded) => string().decode(encoded),
      },
    });
    const abort = new AbortController();
    const values = Array.from({ length: 100 }, (_, index) => (index % 10 === 3 ? "bad" : `value ${index}`));
    const settled: number[] = [];
    const writes = values.map(async (value, index) => {
      const signal = index % 10 === 7 ? abort.signal : undefined;
      try {
        const { offset } = await writer.set(`key ${index}`, value, { signal });
        settled.push(index);
        return offset;
      } catch (error) {
        return error;
      }
    });
    const reason = new Error("no patience");
    abort.abort(reason);
    const results = await Promise.all(writes);
    const written = values.flatMap((value, index) => (value === "bad" ? [] : [index]));
    results.forEach((result, index) => {
      if (index % 10 === 3) expect(result).toBeInstanceOf(RangeError);
      else if (index % 10 === 7) expect(result).toBe(reason);
      else expect(result).toBe(written.indexOf(index));
    });
    expect(settled).toEqual(settled.toSorted((a, b) => a - b));
    const table = await fixture.openTable();
    expect([...table.keys()]).toEqual(written.map((index) => `key ${index}`));
  });

  test("text of any script arrives as it was written, in one partition and in several", async () => {
    const texts = ["plain", "é", "日本語".repeat(40), "x".repeat(300), `${"x".repeat(300)}😀`, "\uFEFFa", ""];
    await fixture.broker.createTopic("wide", { partitions: 5, configs: { "cleanup.policy": "compact" } });
    for (const topic of ["t", "wide"]) {
      const writer = await fixture.openWriter({ topic });
      await Promise.all(texts.map((text) => writer.set(text, text)));
      const table = await fixture.openTable({ topic });
      for (const text of texts) expect(table.get(text)).toBe(text);
      expect(table.size).toBe(texts.length);
    }
  });

  test("a codec that is made of ours encodes in its own way", async () => {
    const upper: Codec<string> = { ...string(), encode: (value) => utf8(value.toUpperCase()) };
    const writer = await fixture.openWriter({ key: upper, value: upper });
    await writer.set("a", "b");
    const table = await fixture.openTable();
    expect([...table]).toEqual([["A", "B"]]);
  });
});
