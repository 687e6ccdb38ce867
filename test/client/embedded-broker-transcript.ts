import { createPartitionsApi } from "../../packages/client/src/protocol/generated/create-partitions.ts";
import { createTopicsApi } from "../../packages/client/src/protocol/generated/create-topics.ts";
import { deleteTopicsApi } from "../../packages/client/src/protocol/generated/delete-topics.ts";
import { describeConfigsApi } from "../../packages/client/src/protocol/generated/describe-configs.ts";
import { fetchApi } from "../../packages/client/src/protocol/generated/fetch.ts";
import { incrementalAlterConfigsApi } from "../../packages/client/src/protocol/generated/incremental-alter-configs.ts";
import { initProducerIdApi } from "../../packages/client/src/protocol/generated/init-producer-id.ts";
import { topicConfigDefinitions } from "../../packages/client/src/testing/topic-config-definitions.ts";
import { encodeBatch, encodeControlBatch } from "../../packages/record-batch/src/index.ts";
import {
  batch,
  fetch,
  fetchRequest,
  listOffset,
  metadata,
  type ProducePlace,
  produce,
  record,
  shapes,
  zeroUuid,
} from "./embedded-broker-requests.ts";
import { Wire } from "./embedded-broker-wire.ts";

const maxSequence = 0x7fff_ffff;

/**
 * Sends one broker what is legal and what is not, and writes down what it answers, as far as every correct broker of
 * one node must answer the same.
 */
export async function transcript(bootstrapServers: string): Promise<string[]> {
  const lines: string[] = [];
  const wire = await Wire.open(bootstrapServers);
  const note = (what: string, answer: unknown): void => void lines.push(`${what}: ${JSON.stringify(answer)}`);
  try {
    await topicLines(wire, note);
    await configLines(wire, note);
    await produceLines(wire, note);
    await idempotenceLines(wire, note);
    await fetchLines(wire, note);
  } finally {
    wire.close();
  }
  return lines;
}

type Note = (what: string, answer: unknown) => void;

const plan = { numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] };

async function create(wire: Wire, topics: readonly object[], validateOnly = false) {
  const full = topics.map((topic) => ({ name: "new", ...plan, ...topic }));
  const request = { topics: full, timeoutMs: 10_000, validateOnly };
  const answer = await wire.call(createTopicsApi, 7, request);
  return answer.topics.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** A new topic, once the broker leads it: a real one answers its creation before it has opened the log. */
async function newTopic(
  wire: Wire,
  name: string,
  configs: Record<string, string> = {},
  partitions = 1,
): Promise<string> {
  const list = Object.entries(configs).map(([key, value]) => ({ name: key, value }));
  const [created] = await create(wire, [{ name, configs: list, numPartitions: partitions }]);
  for (let partition = 0; partition < partitions; partition++) {
    while ((await listOffset(wire, -1, { topic: name, partition })).errorCode !== 0);
  }
  return created?.topicId ?? zeroUuid;
}

async function topicLines(wire: Wire, note: Note): Promise<void> {
  const errors = async (topics: readonly object[], validateOnly = false) =>
    (await create(wire, topics, validateOnly)).map(({ errorCode }) => errorCode);
  await newTopic(wire, "exists");
  note("create what exists", await errors([{ name: "exists" }]));
  note("create a bad name", await errors([{ name: "a b" }, { name: ".." }, { name: "" }, { name: "x".repeat(250) }]));
  note("create 0 partitions", await errors([{ numPartitions: 0 }]));
  note("create with replication factor 0 and 2", [
    await errors([{ replicationFactor: 0 }]),
    await errors([{ replicationFactor: 2 }]),
  ]);
  note("create with the defaults", await errors([{ name: "defaults", numPartitions: -1, replicationFactor: -1 }]));
  note("create with an unknown setting", await errors([{ configs: [{ name: "nonsense", value: "1" }] }]));
  note("create with a bad number", await errors([{ configs: [{ name: "retention.ms", value: "soon" }] }]));
  note("create with a bad policy", await errors([{ configs: [{ name: "cleanup.policy", value: "compact,shred" }] }]));
  note("create with a null value", await errors([{ configs: [{ name: "retention.ms", value: null }] }]));
  note("create twice in one request", await errors([{ name: "twice" }, { name: "twice" }, { name: "once" }]));
  note("validate only", await errors([{ name: "planned" }], true));
  note(
    "metadata",
    (await metadata(wire, ["exists", "planned", "a b"])).topics
      .map(({ name, errorCode, isInternal, partitions }) => `${name} ${errorCode} ${isInternal} ${partitions.length}`)
      .toSorted(),
  );
  const grow = async (name: string, count: number, validateOnly = false) =>
    (
      await wire.call(createPartitionsApi, 3, {
        topics: [{ name, count, assignments: null }],
        timeoutMs: 10_000,
        validateOnly,
      })
    ).results.map(({ errorCode }) => errorCode);
  note("grow", [
    await grow("exists", 1),
    await grow("exists", 0),
    await grow("nothing", 2),
    await grow("exists", 2, true),
    await grow("exists", 2),
  ]);
  const id = await newTopic(wire, "short-lived");
  const remove = async (name: string | null, topicId: string) =>
    (
      await wire.call(deleteTopicsApi, 6, { topics: [{ name, topicId }], topicNames: [], timeoutMs: 10_000 })
    ).responses.map(({ errorCode, name: named }) => [errorCode, named]);
  note("delete", [
    await remove("nothing", zeroUuid),
    await remove(null, "abcdefghijklmnopqrstuw"),
    await remove("short-lived", id),
    await remove(null, id),
  ]);
}

async function configLines(wire: Wire, note: Note): Promise<void> {
  await newTopic(wire, "configured", { "retention.ms": "5", "cleanup.policy": "compact" });
  const describe = async (resourceType: number, resourceName: string, configurationKeys: string[] | null) => {
    const request = {
      resources: [{ resourceType, resourceName, configurationKeys }],
      includeSynonyms: false,
      includeDocumentation: false,
    };
    return (await wire.call(describeConfigsApi, 4, request)).results[0];
  };
  const settings = [
    "retention.ms",
    "cleanup.policy",
    "compression.type",
    "delete.retention.ms",
    "max.message.bytes",
    "message.timestamp.type",
    "min.insync.replicas",
    "segment.ms",
    "nonsense",
  ];
  note(
    "describe",
    (await describe(2, "configured", settings))?.configs
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .map(({ name, value, configType, readOnly, isSensitive, configSource }) => [
        name,
        value,
        configType,
        readOnly,
        isSensitive,
        configSource === 1,
      ]),
  );
  // The test's Kafka is configured to delete files at once.
  const names = [...topicConfigDefinitions.keys()].filter((name) => name !== "file.delete.delay.ms");
  const all = (await describe(2, "configured", names))?.configs ?? [];
  note("describe all", all.map(({ name, value, configType }) => `${name} ${value} ${configType}`).toSorted());
  note("describe what is not there", [
    (await describe(2, "nothing", null))?.errorCode,
    (await describe(2, "a b", null))?.errorCode,
    (await describe(99, "x", null))?.errorCode,
  ]);
  const alter = async (
    configs: readonly [string, number, string | null][],
    validateOnly = false,
    resourceName = "configured",
  ) => {
    const list = configs.map(([name, configOperation, value]) => ({ name, configOperation, value }));
    const request = { resources: [{ resourceType: 2, resourceName, configs: list }], validateOnly };
    return (await wire.call(incrementalAlterConfigsApi, 1, request)).responses.map(({ errorCode }) => errorCode);
  };
  note("alter", [
    await alter([
      ["cleanup.policy", 2, "delete"],
      ["retention.ms", 0, "7"],
    ]),
    await alter([
      ["retention.ms", 0, "8"],
      ["nonsense", 0, "1"],
    ]),
    await alter([["retention.ms", 0, "8"]], true),
    await alter([["retention.ms", 2, "1"]]),
    await alter([["retention.ms", 0, null]]),
    await alter([
      ["retention.ms", 0, "1"],
      ["retention.ms", 1, null],
    ]),
    await alter([["retention.ms", 0, "1"]], false, "nothing"),
  ]);
  note(
    "altered",
    (await describe(2, "configured", ["retention.ms", "cleanup.policy"]))?.configs.map(({ value }) => value).toSorted(),
  );
}

async function produceLines(wire: Wire, note: Note): Promise<void> {
  const id = await newTopic(wire, "p");
  await newTopic(wire, "compacted", { "cleanup.policy": "compact" });
  await newTopic(wire, "small", { "max.message.bytes": "100" });
  await newTopic(wire, "safe", { "min.insync.replicas": "2" });
  const send = async (what: string, records: Uint8Array | null, place: ProducePlace = {}) => {
    const answer = await produce(wire, records, { topic: "p", ...place });
    note(what, [answer.errorCode, answer.baseOffset, answer.recordErrors.map(({ batchIndex }) => batchIndex)]);
  };
  const flipped = batch();
  flipped[flipped.length - 2] = 0;
  await send("an empty list", new Uint8Array(0));
  await send("two batches", Buffer.concat([batch(), batch()]));
  await send("a flipped bit", flipped);
  await send("a base offset", batch(1, { baseOffset: 1 }));
  await send("a count below the offsets", batch(1, { lastOffset: 1 }));
  await send("a control batch", encodeControlBatch({ type: "abort", producerId: 1, producerEpoch: 0, timestamp: 1 }));
  await send("a control batch without transaction", batch(1, { isControl: true }));
  await send("a producer without sequence", batch(1, { producerId: 1, producerEpoch: 0 }));
  await send("more than max.message.bytes", batch(10), { topic: "small" });
  await send("a time in the far future", encodeBatch({ records: [record("k", "v", Date.now() * 2)] }));
  await send("zstd in version 3", batch(1, { compression: "zstd" }), { version: 3 });
  await send("acks 2", batch(), { acks: 2 });
  await send("an unknown topic", batch(), { topic: "nothing" });
  await send("an unknown partition", batch(), { partition: 9 });
  await send("an unknown id", batch(), { version: 13, topic: "", topicId: "abcdefghijklmnopqrstuw" });
  await send("too few replicas", batch(), { topic: "safe" });
  await send("too few replicas, acks 1", batch(), { topic: "safe", acks: 1 });
  const keyless = encodeBatch({ records: [record("a", "1"), record(null, "2"), record("", "3"), record(null, null)] });
  await send("no key, compacted", keyless, { topic: "compacted" });
  await send("no key, not compacted", keyless);
  await send("by id", batch(2), { version: 13, topic: "", topicId: id });
  for (const compression of ["gzip", "snappy", "lz4", "zstd"] as const)
    await send(compression, batch(3, { compression }));
}

/** A real broker asks to wait until its controller has given it the first block of ids. */
async function newProducer(wire: Wire) {
  const request = { transactionalId: null, transactionTimeoutMs: 1000, producerId: -1, producerEpoch: -1 };
  for (;;) {
    const answer = await wire.call(initProducerIdApi, 4, request);
    if (answer.errorCode !== 14) return answer;
  }
}

async function idempotenceLines(wire: Wire, note: Note): Promise<void> {
  await newTopic(wire, "i");
  await newTopic(wire, "i-compacted", { "cleanup.policy": "compact" });
  const ids: number[] = [];
  for (let index = 0; index < 4; index++) {
    const { producerId, producerEpoch, errorCode } = await newProducer(wire);
    note("new producer", [errorCode, producerEpoch]);
    ids.push(producerId);
  }
  note("distinct", new Set(ids).size);
  const send = async (
    who: number,
    epoch: number,
    baseSequence: number,
    count = 1,
    options: Parameters<typeof batch>[1] = {},
    topic = "i",
  ) => {
    const records = batch(count, { producerId: ids[who] ?? -1, producerEpoch: epoch, baseSequence, ...options });
    const { errorCode, baseOffset } = await produce(wire, records, { topic });
    note(`producer ${who} epoch ${epoch} sequence ${baseSequence} count ${count}`, [errorCode, baseOffset]);
  };
  for (const [sequence, count] of [
    [0, 2],
    [2, 3],
    [0, 2],
    [2, 3],
    [0, 1],
    [1, 1],
    [0, 3],
    [6, 1],
    [5, 1],
  ])
    await send(0, 0, sequence ?? 0, count);
  for (const sequence of [6, 7, 8, 9, 10, 5, 6, 7, 8, 9, 10]) await send(0, 0, sequence);
  for (const [epoch, sequence] of [
    [3, 1234],
    [3, 1236],
    [2, 1235],
    [4, 1235],
    [4, 0],
    [4, 0],
    [3, 1235],
    [4, 1],
    [4, 3],
  ])
    await send(1, epoch ?? 0, sequence ?? 0);
  for (const sequence of [maxSequence, 1, 0, 1]) await send(2, 0, sequence);
  for (const [sequence, count] of [
    [maxSequence - 1, 4],
    [maxSequence - 1, 4],
    [1, 1],
    [2, 1],
  ])
    await send(3, 0, sequence ?? 0, count);
  await send(0, 0, 0, 1, {}, "i-compacted");
  await send(0, 0, 1, 1, { records: [record(null, "v")] }, "i-compacted");
  await send(0, 0, 1, 1, {}, "i-compacted");
  await send(0, 0, 2, 1, { isTransactional: true }, "i-compacted");
}

async function fetchLines(wire: Wire, note: Note): Promise<void> {
  const id = await newTopic(wire, "f", {}, 3);
  await newTopic(wire, "zstd", { "compression.type": "zstd" });
  const time = Date.now() - 10_000;
  for (const partition of [0, 0, 0, 1, 2]) {
    await produce(wire, encodeBatch({ records: [record("a", "1", time + 100), record("b", "2", time + 300)] }), {
      topic: "f",
      partition,
    });
  }
  const one = async (what: string, place: Parameters<typeof fetch>[1]) => {
    const answer = await fetch(wire, { topic: "f", ...place });
    const { errorCode, highWatermark, lastStableOffset, logStartOffset, abortedTransactions, records } = answer;
    note(what, [
      errorCode,
      highWatermark,
      lastStableOffset,
      logStartOffset,
      errorCode === 0 ? abortedTransactions : null,
      shapes(records),
      records?.length,
    ]);
  };
  await one("from the start", {});
  await one("from within a batch", { offset: 3 });
  await one("uncommitted", { isolation: "read_uncommitted" });
  await one("from the end", { offset: 6 });
  await one("beyond the end", { offset: 7 });
  await one("an unknown topic", { topic: "nothing" });
  await one("an unknown partition", { partition: 3 });
  await one("an unknown id", { version: 13, topic: "", topicId: "abcdefghijklmnopqrstuw" });
  await one("by id", { version: 13, topic: "", topicId: id });
  await one("a leader epoch to come", { epoch: 9 });
  await one("zstd, version 4", { topic: "zstd", version: 4 });
  await produce(wire, batch(1, { compression: "zstd" }), { topic: "zstd" });
  await one("zstd with data, version 4", { topic: "zstd", version: 4 });
  await one("zstd with data, version 9", { topic: "zstd", version: 9 });
  await one("zstd with data, version 10", { topic: "zstd", version: 10 });
  for (const limits of [{}, { partitionMaxBytes: 100 }, { partitionMaxBytes: 1 }, { maxBytes: 1 }, { maxBytes: 200 }]) {
    const answer = await wire.call(fetchApi, 12, fetchRequest({ topic: "f", partitions: [0, 1, 2], ...limits }));
    note(
      `limits ${JSON.stringify(limits)}`,
      answer.responses[0]?.partitions.map(({ records }) => records?.length ?? 0),
    );
  }
  for (const [sessionId, sessionEpoch] of [
    [5, 1],
    [5, 0],
    [5, -1],
  ] as const) {
    const session = await wire.call(fetchApi, 12, { ...fetchRequest({ topic: "f" }), sessionId, sessionEpoch });
    note(`session ${sessionId} epoch ${sessionEpoch}`, [session.errorCode, session.responses.length]);
  }
  const sessionless = await wire.call(fetchApi, 12, fetchRequest({ topic: "f" }));
  note("no session", [sessionless.errorCode, sessionless.sessionId]);
  for (const timestamp of [-1, -2, 0, 100, 101, 301]) {
    const {
      errorCode,
      timestamp: found,
      offset,
    } = await listOffset(wire, timestamp > 0 ? time + timestamp : timestamp, { topic: "f" });
    note(`offset at ${timestamp}`, [errorCode, found > 0 ? found - time : found, offset]);
  }
  note("offset of nothing", [
    (await listOffset(wire, -1, { topic: "nothing" })).errorCode,
    (await listOffset(wire, -1, { topic: "f", epoch: 9 })).errorCode,
  ]);
}
