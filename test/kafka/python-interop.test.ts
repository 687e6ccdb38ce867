import { KafkaClient, Producer } from "@ktables/client";
import * as fc from "fast-check";
import {
  GroupedKafkaTable,
  GroupedKafkaTableWriter,
  json,
  KafkaTable,
  KafkaTableWriter,
  LengthPrefixedKeyCodec,
} from "ktables";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import {
  type PythonOperation,
  type PythonPeer,
  pythonPeerUnavailable,
  startPythonPeer,
} from "../harness/python-peer.ts";
import { newTopic, recordingLogger, rejection, type SuiteBroker, utf8 } from "../suites/support.ts";
import { startBrokerUnderTest } from "./broker-under-test.ts";
import { skipsWithout } from "./foreign-tools.ts";

/** Keys, groups and members: empty, beyond UTF-16's first plane, composed, and what looks like a part of the codec. */
const names = [
  "",
  "a",
  "😀",
  "😀😀",
  "👩‍👩‍👧",
  "👩‍👩",
  "é",
  "e\u0301",
  "1",
  "12",
  ":",
  "2:x",
  "\uFEFFa",
  "\u0000",
  "\n",
  "\u2028",
  "𝕏",
];
const text = fc.constantFrom(...names);
// Not every number: beyond 2^53, and written with an exponent, the two languages differ.
const leaf = fc.oneof(text, fc.integer(), fc.constant(0.5), fc.boolean(), fc.constant(null));
const value = fc.oneof(leaf, fc.array(leaf), fc.dictionary(fc.constantFrom("url", "größe", "😀", ""), leaf));

/** A history of sets and deletions, of few keys so that they meet; always the same one. */
function history(isGrouped: boolean, seed: number, length = 150): PythonOperation[] {
  const key = isGrouped ? fc.tuple(text, text) : fc.tuple(text);
  const set = fc.record({ key, value });
  const operation = fc.oneof({ weight: 3, arbitrary: set }, { weight: 1, arbitrary: fc.record({ key }) });
  return fc.sample(operation, { numRuns: length, seed });
}

/** Contents by key, the pair of group and member as one. */
type Contents = Map<string, unknown>;

function contentsAfter(operations: readonly PythonOperation[]): Contents {
  const contents: Contents = new Map();
  for (const operation of operations) {
    if ("value" in operation) contents.set(JSON.stringify(operation.key), operation.value);
    else contents.delete(JSON.stringify(operation.key));
  }
  return contents;
}

/** Our table or writer, flat or grouped, in one dress. */
interface Ours {
  write(operation: PythonOperation): Promise<unknown>;
  read(): Promise<Contents>;
}

describe.skipIf(skipsWithout("the Python package", await pythonPeerUnavailable()))("the Python package", () => {
  let broker: SuiteBroker;
  let client: KafkaClient;
  let peer: PythonPeer;
  let opened = 0;

  beforeAll(async () => {
    [broker, peer] = await Promise.all([startBrokerUnderTest(), startPythonPeer()]);
    client = new KafkaClient({ bootstrapServers: broker.bootstrapServers, logger: recordingLogger() });
  }, 600_000);
  afterAll(async () => {
    client?.close();
    await peer?.stop();
    await broker?.stop();
  });

  async function openOurs(topic: string, isGrouped: boolean): Promise<Ours> {
    const options = { connection: client, topic, value: json<unknown>(), partitions: 3 };
    if (!isGrouped) {
      const writer = await KafkaTableWriter.open(options);
      const table = await KafkaTable.open({ ...options, store: "decoded" });
      const other = await KafkaTable.open({ ...options, store: "bytes" });
      onTestFinished(async () => void (await Promise.all([writer.stop(), table.stop(), other.stop()])));
      return {
        write: ({ key: [key = ""], ...rest }) => ("value" in rest ? writer.set(key, rest.value) : writer.delete(key)),
        read: async () => {
          expect(await Promise.all([table.barrier(), other.barrier()])).toEqual([true, true]);
          expect(other.snapshot()).toEqual(table.snapshot());
          return new Map(Array.from(table, ([key, stored]) => [JSON.stringify([key]), stored]));
        },
      };
    }
    const writer = await GroupedKafkaTableWriter.open(options);
    const table = await GroupedKafkaTable.open(options);
    onTestFinished(async () => void (await Promise.all([writer.stop(), table.stop()])));
    return {
      write: ({ key: [group = "", member = ""], ...rest }) =>
        "value" in rest ? writer.set(group, member, rest.value) : writer.delete(group, member),
      read: async () => {
        expect(await table.barrier()).toBe(true);
        expect(table.foreignKeyCount).toBe(0);
        const members = Array.from(table.snapshot(), ([group, own]) =>
          Array.from(own, ([member, stored]): [string, unknown] => [JSON.stringify([group, member]), stored]),
        );
        return new Map(members.flat());
      },
    };
  }

  /** The package's table and writer. */
  async function openTheirs(topic: string, isGrouped: boolean): Promise<Ours> {
    const name = `n${opened++}`;
    const common = { name, topic, bootstrapServers: broker.bootstrapServers, grouped: isGrouped };
    await peer.call("openWriter", common);
    await peer.call("openTable", common);
    onTestFinished(async () => {
      await peer.call("closeWriter", { name });
      await peer.call("closeTable", { name });
    });
    return {
      write: (operation) => peer.call("write", { name, operations: [operation] }),
      read: async () => {
        const answer = await peer.call("readTable", { name, timeoutMs: 30_000 });
        expect(answer).toMatchObject({ isFresh: true, status: "caught_up", foreignKeyCount: 0 });
        return new Map(answer.entries.map((entry) => [JSON.stringify(entry.slice(0, -1)), entry.at(-1)]));
      },
    };
  }

  test("is the real one", async () => {
    expect(await peer.call("versions", { packages: ["ktables"] })).toEqual({ ktables: "2.0.0" });
  });

  describe.each([
    ["flat", false],
    ["grouped", true],
  ])("with %s tables", (kind, isGrouped) => {
    test("what Python writes is in our tables, open ones and new ones, as in its own", async () => {
      const topic = newTopic(`python-writes-${kind}`);
      const ours = await openOurs(topic, isGrouped);
      const theirs = await openTheirs(topic, isGrouped);
      const operations = history(isGrouped, 1);
      for (const operation of operations) await theirs.write(operation);
      const expected = contentsAfter(operations);
      expect(expected.size).toBeGreaterThan(10);
      expect(await ours.read()).toEqual(expected);
      expect(await (await openOurs(topic, isGrouped)).read()).toEqual(expected);
      expect(await theirs.read()).toEqual(expected);
    });

    test("what we write is in Python's tables, open ones and new ones, as in our own", async () => {
      const topic = newTopic(`we-write-${kind}`);
      const ours = await openOurs(topic, isGrouped);
      const theirs = await openTheirs(topic, isGrouped);
      const operations = history(isGrouped, 2);
      await Promise.all(operations.map((operation) => ours.write(operation)));
      const expected = contentsAfter(operations);
      expect(await theirs.read()).toEqual(expected);
      expect(await (await openTheirs(topic, isGrouped)).read()).toEqual(expected);
      expect(await ours.read()).toEqual(expected);
    });

    test("both write in turn, and both tables are equal all the way", async () => {
      const topic = newTopic(`both-write-${kind}`);
      const ours = await openOurs(topic, isGrouped);
      const theirs = await openTheirs(topic, isGrouped);
      const operations = history(isGrouped, 3, 100);
      for (const [index, operation] of operations.entries()) {
        await (index % 2 === 0 ? ours : theirs).write(operation);
        if (index % 10 < 9) continue;
        const expected = contentsAfter(operations.slice(0, index + 1));
        expect(await ours.read()).toEqual(expected);
        expect(await theirs.read()).toEqual(expected);
      }
    });

    test("both write the same bytes to the same partitions", async () => {
      const operations = history(isGrouped, 4);
      const written = async (topic: string, open: typeof openOurs): Promise<object[]> => {
        await openOurs(topic, isGrouped);
        const side = await open(topic, isGrouped);
        for (const operation of operations) await side.write(operation);
        const { records } = await peer.call("records", { bootstrapServers: broker.bootstrapServers, topic });
        return records;
      };
      const byUs = await written(newTopic(`bytes-ours-${kind}`), openOurs);
      const byPython = await written(newTopic(`bytes-theirs-${kind}`), openTheirs);
      expect(byUs).toHaveLength(operations.length);
      expect(byUs.filter((record) => "value" in record && record.value === null).length).toBeGreaterThan(10);
      expect(byUs).toEqual(byPython);
    });
  });

  test("both count foreign keys alike, and both refuse lone surrogates", async () => {
    const topic = newTopic("foreign-and-malformed");
    const common = { bootstrapServers: broker.bootstrapServers, topic, grouped: true, name: "foreign" };
    const options = { connection: client, topic, value: json<unknown>() };
    await using table = await GroupedKafkaTable.open(options);
    await using writer = await GroupedKafkaTableWriter.open(options);
    await peer.call("openWriter", common);
    await peer.call("openTable", common);
    for (const [group, member] of [
      ["\ud83d", "m"],
      ["g", "\ude00"],
      ["\ud83d", "\ude00"],
    ] as const) {
      const theirs = peer.call("write", { name: "foreign", operations: [{ key: [group, member], value: 1 }] });
      expect((await rejection(theirs)).message).toContain("UnicodeEncodeError");
      expect((await rejection(writer.set(group, member, 1))).code).toBe("ENCODE_FAILED");
    }
    const producer = new Producer(client);
    const keys = ["plain", "01:xy", "99:short", "", ":x", "٣:xyz", "2:😀", "1:😀m", "2: looks like one"];
    for (const key of keys) {
      for (const stored of [utf8('"v"'), null, utf8("1")]) {
        await producer.send({ topic, key: utf8(key), value: stored, partition: 0 });
      }
    }
    await producer.close();
    expect(await table.barrier()).toBe(true);
    const theirs = await peer.call("readTable", { name: "foreign", timeoutMs: 30_000 });
    const entries = Array.from(table.snapshot(), ([group, own]) => Array.from(own, (pair) => [group, ...pair])).flat();
    expect(entries).toEqual([
      ["😀", "m", 1],
      [" l", "ooks like one", 1],
    ]);
    expect(theirs).toEqual({
      isFresh: true,
      status: "caught_up",
      entries,
      foreignKeyCount: table.foreignKeyCount,
      recordsApplied: table.stats.recordsApplied,
      tombstonesApplied: table.stats.tombstonesApplied,
    });
    expect(table.foreignKeyCount).toBe(21);
    await peer.call("closeTable", { name: "foreign" });
    await peer.call("closeWriter", { name: "foreign" });
  });

  describe("its key codec", () => {
    // Characters of every length in UTF-8 and UTF-16, and not one lone surrogate.
    const any = fc.oneof(text, fc.string({ unit: "binary" }), fc.string({ unit: "grapheme" }));

    test.each([":", "--", "😀", " 1"])("encodes as ours does, with separator %j", async (separator) => {
      const pairs = fc.sample(fc.tuple(any, any), 500);
      const codec = new LengthPrefixedKeyCodec(separator);
      const { keys } = await peer.call("encodeKeys", { separator, pairs });
      expect(pairs.map(([group, member]) => codec.encode(group, member))).toEqual(keys);
    });

    test.each([":", "--", "😀", " 1"])("decodes and refuses as ours does, with separator %j", async (separator) => {
      const codec = new LengthPrefixedKeyCodec(separator);
      const prefix = fc.constantFrom(
        "",
        "0",
        "1",
        "2",
        "3",
        "7",
        "01",
        "00",
        "+1",
        "-1",
        "1_0",
        " 1",
        "1 ",
        "٣",
        "²",
        "1\n",
        "99999999999",
      );
      const key = fc.oneof(
        any,
        fc.tuple(prefix, any).map(([head, tail]) => head + separator + tail),
        fc.tuple(any, any).map(([group, member]) => codec.encode(group, member)),
      );
      const keys = [...fc.sample(key, 1000), `${"9".repeat(5000)}${separator}x`];
      const { pairs } = await peer.call("decodeKeys", { separator, keys });
      expect(pairs.some((pair) => pair === null)).toBe(true);
      expect(keys.map((one) => codec.decode(one) ?? null)).toEqual(pairs);
    });
  });
});
