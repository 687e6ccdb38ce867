import { afterEach, describe, expect, test } from "vitest";
import { createPartitionsApi } from "../../packages/client/src/protocol/generated/create-partitions.ts";
import { createTopicsApi } from "../../packages/client/src/protocol/generated/create-topics.ts";
import { deleteTopicsApi } from "../../packages/client/src/protocol/generated/delete-topics.ts";
import { describeConfigsApi } from "../../packages/client/src/protocol/generated/describe-configs.ts";
import { fetchApi } from "../../packages/client/src/protocol/generated/fetch.ts";
import { incrementalAlterConfigsApi } from "../../packages/client/src/protocol/generated/incremental-alter-configs.ts";
import { metadataApi } from "../../packages/client/src/protocol/generated/metadata.ts";
import { offsetForLeaderEpochApi } from "../../packages/client/src/protocol/generated/offset-for-leader-epoch.ts";
import { produceApi } from "../../packages/client/src/protocol/generated/produce.ts";
import { EmbeddedBroker, type EmbeddedBrokerOptions } from "../../packages/client/src/testing/index.ts";
import { readBatches } from "../../packages/record-batch/src/index.ts";
import {
  batch,
  fetch,
  fetchRequest,
  listOffset,
  metadata,
  onlyPartition,
  produce,
  produceRequest,
  record,
  until,
  zeroUuid,
} from "./embedded-broker-requests.ts";
import { Wire } from "./embedded-broker-wire.ts";

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function start(options: EmbeddedBrokerOptions = {}): Promise<EmbeddedBroker> {
  const broker = await EmbeddedBroker.start(options);
  open.push(broker);
  return broker;
}

async function connect(broker: EmbeddedBroker, node = 0): Promise<Wire> {
  const wire = await Wire.open(broker.bootstrapServers, node);
  open.push(wire);
  return wire;
}

function portOf(broker: EmbeddedBroker, node: number): number {
  return Number(broker.bootstrapServers.split(",")[node]?.split(":")[1]);
}

describe("metadata", () => {
  test("names all nodes and topics, with leaders spread over the nodes", async () => {
    const broker = await start({
      nodes: 3,
      topics: [{ name: "a", partitions: 3, replicationFactor: 2 }, { name: "b" }, { name: "c" }],
    });
    const { brokers, topics, clusterId, controllerId } = await metadata(await connect(broker, 1), null);
    expect(brokers).toEqual(
      [0, 1, 2].map((nodeId) => ({ nodeId, host: "127.0.0.1", port: portOf(broker, nodeId), rack: null })),
    );
    expect(clusterId).toMatch(/^[\w-]{22}$/);
    expect(controllerId).toBe(0);
    expect(topics.map(({ name, partitions }) => [name, partitions.map(({ leaderId }) => leaderId)])).toEqual([
      ["a", [0, 1, 2]],
      ["b", [0]],
      ["c", [1]],
    ]);
    expect(topics[0]?.partitions[2]).toMatchObject({
      replicaNodes: [2, 0],
      isrNodes: [2, 0],
      leaderEpoch: 0,
      offlineReplicas: [],
    });
    expect(new Set(topics.map(({ topicId }) => topicId)).size).toBe(3);
  });

  test("by name, by id, of nothing, and of what does not exist", async () => {
    const broker = await start({ topics: [{ name: "t" }] });
    const wire = await connect(broker);
    const flags = {
      allowAutoTopicCreation: true,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    };
    const { topics } = await metadata(wire, ["t", "missing", "not/valid"], 4);
    expect(topics.map(({ name, errorCode }) => [name, errorCode])).toEqual([
      ["t", 0],
      ["missing", 3],
      ["not/valid", 17],
    ]);
    expect((await metadata(wire, [])).topics).toEqual([]);
    const topicId = (await metadata(wire, ["t"])).topics[0]?.topicId ?? zeroUuid;
    const other = "abcdefghijklmnopqrstuw";
    const byId = { topics: [topicId, other].map((id) => ({ name: null, topicId: id })), ...flags };
    const answer = await wire.call(metadataApi, 12, byId);
    expect(answer.topics.map((topic) => [topic.name, topic.topicId, topic.errorCode])).toEqual([
      ["t", topicId, 0],
      [null, other, 100],
    ]);
    expect((await wire.call(metadataApi, 10, byId)).topics.map(({ errorCode }) => errorCode)).toEqual([42, 42]);
  });

  test("creates topics only where both sides want it", async () => {
    const broker = await start({ autoCreateTopics: true });
    const wire = await connect(broker);
    const ask = async (allowAutoTopicCreation: boolean): Promise<number | undefined> => {
      const topics = [{ name: "new", topicId: zeroUuid }];
      const flags = { includeClusterAuthorizedOperations: false, includeTopicAuthorizedOperations: false };
      return (await wire.call(metadataApi, 13, { topics, allowAutoTopicCreation, ...flags })).topics[0]?.errorCode;
    };
    expect(await ask(false)).toBe(3);
    expect(await ask(true)).toBe(0);
    expect(await ask(false)).toBe(0);
  });
});

describe("leadership", () => {
  test("the wrong node names the right one, in the versions that can (KIP-951)", async () => {
    const broker = await start({ nodes: 2, topics: [{ name: "t", partitions: 2, replicationFactor: 1 }] });
    const wire = await connect(broker, 1);
    const endpoints = [{ nodeId: 0, host: "127.0.0.1", port: portOf(broker, 0), rack: null }];
    const currentLeader = { leaderId: 0, leaderEpoch: 0 };
    const refused = await wire.call(produceApi, 12, produceRequest(batch()));
    expect(refused.responses[0]?.partitionResponses[0]).toMatchObject({ errorCode: 6, currentLeader });
    expect(refused.nodeEndpoints).toEqual(endpoints);
    expect(await produce(wire, batch(), { version: 9 })).toMatchObject({ errorCode: 6 });
    expect(await fetch(wire, { version: 12 })).toMatchObject({ errorCode: 6, currentLeader: undefined });
    const topicId = (await metadata(wire, ["t"])).topics[0]?.topicId ?? zeroUuid;
    const fetched = await wire.call(fetchApi, 16, fetchRequest({ topicId }));
    expect(onlyPartition(fetched)).toMatchObject({ errorCode: 6, currentLeader });
    expect(fetched.nodeEndpoints).toEqual(endpoints);
    expect(await listOffset(wire, -1)).toMatchObject({ errorCode: 6 });
    expect(await produce(wire, batch(), { partition: 1 })).toMatchObject({ errorCode: 0 });
  });

  test("leader epochs rise with each move, and are compared", async () => {
    const broker = await start({ nodes: 2, topics: [{ name: "t" }] });
    const wire = await connect(broker, 1);
    broker.moveLeader("t", 0, 1);
    expect(broker.leader("t", 0)).toEqual({ node: 1, epoch: 1 });
    expect((await metadata(wire, ["t"])).topics[0]?.partitions[0]).toMatchObject({ leaderId: 1, leaderEpoch: 1 });
    const topicId = (await metadata(wire, ["t"])).topics[0]?.topicId ?? zeroUuid;
    expect(await fetch(wire, { epoch: 0, version: 16, topicId })).toMatchObject({
      errorCode: 74,
      currentLeader: { leaderId: 1, leaderEpoch: 1 },
    });
    expect(await fetch(wire, { epoch: 1 })).toMatchObject({ errorCode: 0 });
    expect(await fetch(wire, { epoch: 2 })).toMatchObject({ errorCode: 75 });
    for (const [epoch, errorCode] of [
      [0, 74],
      [1, 0],
      [2, 75],
    ]) {
      expect(await listOffset(wire, -1, { epoch: epoch ?? 0 })).toMatchObject({ errorCode });
    }
    // The old leader still holds a replica, so it too compares epochs first.
    expect(await fetch(await connect(broker, 0), { epoch: 0 })).toMatchObject({ errorCode: 74 });
    // Replicas serve consumers since version 11.
    expect(await fetch(await connect(broker, 0), { epoch: 1 })).toMatchObject({ errorCode: 0 });
    expect(await fetch(await connect(broker, 0), { epoch: 1, version: 10 })).toMatchObject({ errorCode: 6 });
    expect(() => broker.moveLeader("t", 0, 2)).toThrow("node 2 is not running");
  });

  test("a stopped node loses its connections and leaderships, and gets its port back", async () => {
    const broker = await start({ nodes: 2, topics: [{ name: "t" }, { name: "single", replicationFactor: 1 }] });
    expect(broker.leader("single", 0)).toEqual({ node: 1, epoch: 0 });
    const wire = await connect(broker, 0);
    const gone = await connect(broker, 1);
    await produce(gone, batch(), { topic: "single" });
    const servers = broker.bootstrapServers;

    await broker.stopNode(1);
    expect(await gone.frame()).toBeUndefined();
    await expect(Wire.open(servers, 1)).rejects.toThrow("ECONNREFUSED");
    const stopped = await metadata(wire, ["t", "single"]);
    expect(stopped.brokers.map(({ nodeId }) => nodeId)).toEqual([0]);
    expect(stopped.topics[0]?.partitions[0]).toMatchObject({ leaderId: 0, isrNodes: [0], offlineReplicas: [1] });
    expect(stopped.topics[1]?.partitions[0]).toMatchObject({
      errorCode: 5,
      leaderId: -1,
      leaderEpoch: 1,
      offlineReplicas: [1],
    });

    await broker.startNode(1);
    expect(broker.bootstrapServers).toBe(servers);
    expect(broker.leader("single", 0)).toEqual({ node: 1, epoch: 2 });
    expect(await fetch(await connect(broker, 1), { topic: "single" })).toMatchObject({
      errorCode: 0,
      highWatermark: 1,
    });
    await expect(broker.stopNode(2)).rejects.toThrow("no node 2");
  });

  test("a partition without a leader takes nothing from anybody, as Kafka's does, and goes on where it was", async () => {
    const broker = await start({ nodes: 2, topics: [{ name: "t", replicationFactor: 1 }] });
    const { node: holder } = broker.leader("t", 0);
    const other = 1 - holder;
    broker.append("t", 0, batch(2));
    const { producerId } = broker.writeTransaction("t", 0, [record("open", "v")], "open");
    await broker.stopNode(holder);
    // What a client may try: the nodes that are left refuse it.
    const wire = await connect(broker, other);
    expect(await produce(wire, batch(), { topic: "t" })).toMatchObject({
      errorCode: 6,
      currentLeader: { leaderId: -1 },
    });
    for (const attempt of [
      () => broker.append("t", 0, batch()),
      () => broker.writeTransaction("t", 0, [record("k", "v")], "commit"),
      () => broker.endTransaction("t", 0, producerId, "commit"),
      () => broker.deleteRecords("t", 0, 1),
      () => broker.truncate("t", 0, 1),
    ]) {
      expect(attempt).toThrow(expect.objectContaining({ code: "LEADER_NOT_AVAILABLE", retriable: true }));
    }
    await broker.startNode(holder);
    expect([broker.startOffset("t", 0), broker.endOffset("t", 0)]).toEqual([0, 3]);
    broker.endTransaction("t", 0, producerId, "commit");
    // Nothing is of the epoch in which nobody led: the next one begins where the first one ended.
    const led = await connect(broker, holder);
    const { records } = await fetch(led, { topic: "t" });
    expect([...readBatches(records ?? new Uint8Array())].map((one) => one.partitionLeaderEpoch)).toEqual([0, 0, 2]);
    const answer = await led.call(offsetForLeaderEpochApi, 4, {
      replicaId: -1,
      topics: [
        { topic: "t", partitions: [0, 1].map((leaderEpoch) => ({ partition: 0, currentLeaderEpoch: 2, leaderEpoch })) },
      ],
    });
    expect(answer.topics[0]?.partitions).toMatchObject([
      { leaderEpoch: 0, endOffset: 3 },
      { leaderEpoch: 0, endOffset: 3 },
    ]);
  });

  test("a decommissioned node is gone for good, and what it held is held and led by others", async () => {
    const topics = [
      { name: "t", partitions: 3, replicationFactor: 2 },
      { name: "single", replicationFactor: 1 },
    ];
    const broker = await start({ nodes: 3, topics });
    for (const partition of [0, 1, 2]) broker.append("t", partition, batch(2));
    broker.append("single", 0, batch(3));
    const gone = broker.leader("single", 0).node;
    broker.moveController(gone);
    const wire = await connect(broker, gone);
    const servers = broker.bootstrapServers.split(",");
    const before = [0, 1, 2].map((partition) => broker.leader("t", partition));

    await broker.decommissionNode(gone);
    expect(await wire.frame()).toBeUndefined();
    expect(broker.bootstrapServers.split(",")).toEqual(servers.filter((_, node) => node !== gone));
    const { brokers, topics: described, controllerId } = await metadata(await connect(broker), ["t", "single"]);
    const left = [0, 1, 2].filter((node) => node !== gone);
    expect(brokers.map(({ nodeId }) => nodeId)).toEqual(left);
    expect(left).toContain(controllerId);
    for (const { partitions } of described) {
      for (const { leaderId, replicaNodes, offlineReplicas } of partitions) {
        expect([left.includes(leaderId), offlineReplicas]).toEqual([true, []]);
        expect(replicaNodes).toContain(leaderId);
        expect(replicaNodes).not.toContain(gone);
      }
    }
    expect(described[0]?.partitions.map(({ replicaNodes }) => replicaNodes.toSorted((a, b) => a - b))).toEqual([
      left,
      left,
      left,
    ]);
    // Only whose leader has gone has another one, in another epoch.
    for (const [partition, { node, epoch }] of before.entries()) {
      const now = broker.leader("t", partition);
      expect(now).toEqual(node === gone ? { node: now.node, epoch: epoch + 1 } : { node, epoch });
    }
    expect([broker.endOffset("t", 0), broker.endOffset("single", 0)]).toEqual([2, 3]);

    const [first = 0, last = 0] = left;
    await expect(broker.startNode(gone)).rejects.toThrow(`there is no node ${gone}`);
    await broker.createTopic("new", { partitions: 4, replicationFactor: 2 });
    await broker.stopNode(first);
    await expect(broker.decommissionNode(first)).rejects.toThrow(`node ${first} is not running`);
    await expect(broker.decommissionNode(last)).rejects.toThrow(`no other node than ${last} is up`);
    expect(broker.leader("new", 3).node).toBe(last);
  });

  test("stopping the leader wakes nobody in vain: its long polls end with their connections", async () => {
    const broker = await start({ nodes: 2, topics: [{ name: "t" }] });
    const wire = await connect(broker, 0);
    wire.send(fetchApi, 12, fetchRequest({ maxWaitMs: 1_000_000 }));
    await until(() => broker.requests.length === 1);
    await broker.stopNode(0);
    await until(() => wire.socket.closed);
    expect(broker.leader("t", 0)).toEqual({ node: 1, epoch: 1 });
  });
});

describe("topics", () => {
  const plan = { numPartitions: -1, replicationFactor: -1, assignments: [], configs: [] };
  const create = async (wire: Wire, topics: readonly object[], validateOnly = false) => {
    const full = topics.map((topic) => ({ name: "new", ...plan, ...topic }));
    return (await wire.call(createTopicsApi, 7, { topics: full, timeoutMs: 1000, validateOnly })).topics;
  };

  test("are created with defaults, ids and configuration", async () => {
    const broker = await start({ nodes: 2 });
    const wire = await connect(broker);
    const [created] = await create(wire, [{ configs: [{ name: "cleanup.policy", value: "compact" }] }]);
    expect(created).toMatchObject({ errorCode: 0, numPartitions: 1, replicationFactor: 2 });
    expect(created?.configs).toContainEqual({
      name: "cleanup.policy",
      value: "compact",
      readOnly: false,
      configSource: 1,
      isSensitive: false,
    });
    expect((await metadata(wire, ["new"])).topics[0]?.topicId).toBe(created?.topicId);
  });

  test.each([
    ["a name that exists", { name: "t" }, 36],
    ["a bad name", { name: "a b" }, 17],
    ["the name ..", { name: ".." }, 17],
    ["no partitions", { numPartitions: 0 }, 37],
    ["more partitions than memory", { numPartitions: 2_000_000_000 }, 37],
    ["more replicas than nodes", { replicationFactor: 2 }, 38],
    ["no replicas", { replicationFactor: 0 }, 38],
    ["an unknown configuration", { configs: [{ name: "nonsense", value: "1" }] }, 40],
    ["a bad number", { configs: [{ name: "retention.ms", value: "soon" }] }, 40],
    ["a bad policy", { configs: [{ name: "cleanup.policy", value: "compact,shred" }] }, 40],
    ["no value", { configs: [{ name: "retention.ms", value: null }] }, 40],
    ["replica assignments", { assignments: [{ partitionIndex: 0, brokerIds: [0] }] }, 39],
  ])("are not created with %s", async (_, topic, errorCode) => {
    const wire = await connect(await start({ topics: [{ name: "t" }] }));
    expect(await create(wire, [topic])).toMatchObject([
      { errorCode, errorMessage: expect.any(String), numPartitions: -1 },
    ]);
    expect((await metadata(wire, null)).topics).toHaveLength(1);
  });

  test("are neither created by validateOnly nor when named twice", async () => {
    const wire = await connect(await start());
    expect(await create(wire, [{}], true)).toMatchObject([{ errorCode: 0, topicId: zeroUuid, numPartitions: 1 }]);
    expect(await create(wire, [{}, {}, { name: "once" }])).toMatchObject([
      { name: "new", errorCode: 42 },
      { name: "once", errorCode: 0 },
    ]);
    expect((await metadata(wire, null)).topics.map(({ name }) => name)).toEqual(["once"]);
  });

  test("are deleted by name or id, and come back with another id", async () => {
    const broker = await start({ topics: [{ name: "t" }] });
    const wire = await connect(broker);
    const idOf = async () => (await metadata(wire, ["t"])).topics[0]?.topicId ?? zeroUuid;
    const first = await idOf();
    await produce(wire, batch());
    const remove = async (name: string | null, topicId: string) =>
      (await wire.call(deleteTopicsApi, 6, { topics: [{ name, topicId }], topicNames: [], timeoutMs: 1 })).responses[0];
    expect(await remove(null, first)).toMatchObject({ errorCode: 0, name: "t", topicId: first });
    expect(await remove(null, first)).toMatchObject({ errorCode: 100 });
    expect(await remove("t", zeroUuid)).toMatchObject({ errorCode: 3 });
    expect(await remove("t", first)).toMatchObject({ errorCode: 42 });
    await broker.createTopic("t");
    expect(await idOf()).not.toBe(first);
    expect(await fetch(wire, { version: 13, topicId: first })).toMatchObject({ errorCode: 100 });
    expect(await fetch(wire)).toMatchObject({ errorCode: 0, highWatermark: 0 });
    await broker.deleteTopic("t");
    await expect(broker.deleteTopic("t")).rejects.toMatchObject({ code: "UNKNOWN_TOPIC_OR_PARTITION", errorCode: 3 });
  });

  test("grow, and never shrink", async () => {
    const broker = await start({ nodes: 2, topics: [{ name: "t" }] });
    const wire = await connect(broker);
    const grow = async (name: string, count: number, validateOnly = false) =>
      (
        await wire.call(createPartitionsApi, 3, {
          topics: [{ name, count, assignments: null }],
          timeoutMs: 1,
          validateOnly,
        })
      ).results[0];
    expect(await grow("t", 3, true)).toMatchObject({ errorCode: 0 });
    expect((await metadata(wire, ["t"])).topics[0]?.partitions).toHaveLength(1);
    expect(await grow("t", 3)).toMatchObject({ errorCode: 0, errorMessage: null });
    expect((await metadata(wire, ["t"])).topics[0]?.partitions.map(({ partitionIndex }) => partitionIndex)).toEqual([
      0, 1, 2,
    ]);
    expect(await grow("t", 3)).toMatchObject({ errorCode: 37 });
    expect(await grow("missing", 3)).toMatchObject({ errorCode: 3 });
    await broker.createPartitions("t", 4);
    expect((await metadata(wire, ["t"])).topics[0]?.partitions).toHaveLength(4);
  });
});

describe("configuration", () => {
  async function describeOne(wire: Wire, keys: string[] | null, resourceName = "t", resourceType = 2) {
    const { results } = await wire.call(describeConfigsApi, 4, {
      resources: [{ resourceType, resourceName, configurationKeys: keys }],
      includeSynonyms: true,
      includeDocumentation: false,
    });
    return results[0];
  }

  async function alter(
    wire: Wire,
    configs: readonly [string, number, string | null][],
    validateOnly = false,
    resourceType = 2,
  ) {
    const { responses } = await wire.call(incrementalAlterConfigsApi, 1, {
      resources: [
        {
          resourceType,
          resourceName: "t",
          configs: configs.map(([name, configOperation, value]) => ({ name, configOperation, value })),
        },
      ],
      validateOnly,
    });
    return responses[0]?.errorCode;
  }

  test("tells values from their sources", async () => {
    const wire = await connect(await start({ topics: [{ name: "t", configs: { "retention.ms": "5" } }] }));
    const all = await describeOne(wire, null);
    const names = all?.configs.map(({ name }) => name) ?? [];
    expect(names).toEqual(
      expect.arrayContaining([
        "cleanup.policy",
        "retention.ms",
        "delete.retention.ms",
        "min.insync.replicas",
        "segment.ms",
        "max.message.bytes",
        "compression.type",
        "message.timestamp.type",
      ]),
    );
    const some = await describeOne(wire, ["retention.ms", "cleanup.policy", "nonsense"]);
    const common = { readOnly: false, isDefault: false, isSensitive: false, documentation: null };
    expect(some?.configs).toEqual([
      {
        ...common,
        name: "cleanup.policy",
        value: "delete",
        configSource: 5,
        configType: 7,
        synonyms: [{ name: "log.cleanup.policy", value: "delete", source: 5 }],
      },
      {
        ...common,
        name: "retention.ms",
        value: "5",
        configSource: 1,
        configType: 5,
        synonyms: [
          { name: "retention.ms", value: "5", source: 1 },
          { name: "log.retention.ms", value: "604800000", source: 5 },
        ],
      },
    ]);
    expect(await describeOne(wire, null, "missing")).toMatchObject({ errorCode: 3, configs: [] });
    expect(await describeOne(wire, null, "a b")).toMatchObject({ errorCode: 17 });
    expect(await describeOne(wire, ["node.id"], "0", 4)).toMatchObject({
      errorCode: 0,
      configs: [{ value: "0", readOnly: true }],
    });
    expect(await describeOne(wire, null, "1", 4)).toMatchObject({ errorCode: 42 });
  });

  test("changes step by step, all or nothing", async () => {
    const wire = await connect(await start({ topics: [{ name: "t" }] }));
    const value = async (name: string) => (await describeOne(wire, [name]))?.configs[0]?.value;
    expect(
      await alter(wire, [
        ["cleanup.policy", 2, "compact"],
        ["retention.ms", 0, "7"],
      ]),
    ).toBe(0);
    expect(await value("cleanup.policy")).toBe("delete,compact");
    expect(await alter(wire, [["cleanup.policy", 3, "delete"]])).toBe(0);
    expect(await value("cleanup.policy")).toBe("compact");
    expect(
      await alter(wire, [
        ["retention.ms", 0, "8"],
        ["nonsense", 0, "1"],
      ]),
    ).toBe(40);
    expect(await alter(wire, [["retention.ms", 0, "8"]], true)).toBe(0);
    expect(await value("retention.ms")).toBe("7");
    expect(await alter(wire, [["retention.ms", 1, null]])).toBe(0);
    expect(await value("retention.ms")).toBe("604800000");
    expect(await alter(wire, [["retention.ms", 2, "1"]])).toBe(40);
    expect(await alter(wire, [["retention.ms", 0, null]])).toBe(42);
    expect(await alter(wire, [["retention.ms", 9, "1"]])).toBe(42);
    expect(
      await alter(wire, [
        ["retention.ms", 0, "1"],
        ["retention.ms", 1, null],
      ]),
    ).toBe(42);
    expect(await alter(wire, [["retention.ms", 0, "1"]], false, 4)).toBe(42);
    // Configuration is in force: a batch without key is refused now.
    expect(
      await produce(wire, batch(1, { records: [{ key: null, value: null, timestamp: Date.now() }] })),
    ).toMatchObject({ errorCode: 87 });
  });
});

test("an option that makes no sense fails the start, and leaves nothing listening", async () => {
  await expect(EmbeddedBroker.start({ topics: [{ name: "a" }, { name: "a" }] })).rejects.toMatchObject({
    code: "TOPIC_ALREADY_EXISTS",
  });
  await expect(EmbeddedBroker.start({ nodes: 0 })).rejects.toMatchObject({ code: "INVALID_OPTION", option: "nodes" });
  const configs = { "retention.ms": 5 } as unknown as Record<string, string>;
  await expect(EmbeddedBroker.start({ topics: [{ name: "a", configs }] })).rejects.toMatchObject({
    code: "INVALID_OPTION",
    option: "configs.retention.ms",
  });
  await until(() => !process.getActiveResourcesInfo().includes("TCPServerWrap"));
});
