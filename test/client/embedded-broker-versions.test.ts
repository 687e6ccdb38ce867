import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Api } from "../../packages/client/src/protocol/api.ts";
import { ProtocolError } from "../../packages/client/src/protocol/error.ts";
import { alterConfigsApi } from "../../packages/client/src/protocol/generated/alter-configs.ts";
import { apiVersionsApi } from "../../packages/client/src/protocol/generated/api-versions.ts";
import { createPartitionsApi } from "../../packages/client/src/protocol/generated/create-partitions.ts";
import { createTopicsApi } from "../../packages/client/src/protocol/generated/create-topics.ts";
import { deleteRecordsApi } from "../../packages/client/src/protocol/generated/delete-records.ts";
import { deleteTopicsApi } from "../../packages/client/src/protocol/generated/delete-topics.ts";
import { describeConfigsApi } from "../../packages/client/src/protocol/generated/describe-configs.ts";
import { fetchApi } from "../../packages/client/src/protocol/generated/fetch.ts";
import { incrementalAlterConfigsApi } from "../../packages/client/src/protocol/generated/incremental-alter-configs.ts";
import { initProducerIdApi } from "../../packages/client/src/protocol/generated/init-producer-id.ts";
import { listOffsetsApi } from "../../packages/client/src/protocol/generated/list-offsets.ts";
import { metadataApi } from "../../packages/client/src/protocol/generated/metadata.ts";
import { offsetForLeaderEpochApi } from "../../packages/client/src/protocol/generated/offset-for-leader-epoch.ts";
import { produceApi } from "../../packages/client/src/protocol/generated/produce.ts";
import { saslAuthenticateApi } from "../../packages/client/src/protocol/generated/sasl-authenticate.ts";
import { saslHandshakeApi } from "../../packages/client/src/protocol/generated/sasl-handshake.ts";
import { EmbeddedBroker } from "../../packages/client/src/testing/index.ts";
import { batch, fetchRequest, metadata, produceRequest, zeroUuid } from "./embedded-broker-requests.ts";
import { requestFrame, Wire } from "./embedded-broker-wire.ts";

let broker: EmbeddedBroker;
let wire: Wire;
let topicId: string;
beforeAll(async () => {
  const compacted = { "cleanup.policy": "compact" };
  broker = await EmbeddedBroker.start({ nodes: 2, topics: [{ name: "t", configs: compacted }, { name: "deletable" }] });
  // Leader epoch 1, so that no field of an answer keeps its default by accident.
  broker.moveLeader("t", 0, 0);
  broker.moveLeader("deletable", 0, 0);
  wire = await Wire.open(broker.bootstrapServers);
  topicId = (await metadata(wire, ["t"])).topics[0]?.topicId ?? zeroUuid;
});
afterAll(async () => {
  wire?.close();
  await broker?.close();
});

const topicFrom = (version: number, idsFrom: number) => (version < idsFrom ? {} : { topic: "", topicId });
const noTopic = { numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] };
const missing = "missing";

/** For each API: a request that succeeds and one that is refused, for a version. */
type Case = readonly [Api<never, unknown>, number, number, (version: number) => readonly [unknown, unknown]];
const cases: readonly Case[] = [
  [
    apiVersionsApi,
    0,
    3,
    (version) => {
      const text = version >= 3 ? "x" : "";
      return [
        { clientSoftwareName: text, clientSoftwareVersion: text },
        { clientSoftwareName: "", clientSoftwareVersion: "" },
      ];
    },
  ],
  [
    metadataApi,
    2,
    13,
    () => {
      const flags = {
        allowAutoTopicCreation: true,
        includeClusterAuthorizedOperations: false,
        includeTopicAuthorizedOperations: false,
      };
      return [
        { topics: null, ...flags },
        { topics: [{ name: missing, topicId: zeroUuid }], ...flags },
      ];
    },
  ],
  [
    listOffsetsApi,
    1,
    6,
    () =>
      [-1, 0].map((timestamp) => ({
        replicaId: -1,
        isolationLevel: 0,
        topics: [
          {
            name: "t",
            partitions: [0, 9].map((partitionIndex) => ({ partitionIndex, currentLeaderEpoch: -1, timestamp })),
          },
        ],
      })) as [unknown, unknown],
  ],
  [
    fetchApi,
    4,
    16,
    (version) => [
      { ...fetchRequest(), topics: fetchRequest().topics.map((topic) => ({ ...topic, ...topicFrom(version, 13) })) },
      fetchRequest(version >= 13 ? { topic: "" } : { topic: missing }),
    ],
  ],
  [
    produceApi,
    3,
    13,
    (version) => [
      produceRequest(batch(), version >= 13 ? { topic: "", topicId } : {}),
      produceRequest(batch(), version >= 13 ? { topic: "" } : { topic: missing }),
    ],
  ],
  [
    initProducerIdApi,
    0,
    4,
    () => {
      const rest = { transactionTimeoutMs: 1, producerId: -1, producerEpoch: -1 };
      return [
        { transactionalId: null, ...rest },
        { transactionalId: "x", ...rest },
      ];
    },
  ],
  [
    createTopicsApi,
    2,
    7,
    (version) =>
      ["new", "t"].map((name) => ({
        topics: [{ name: name === "t" ? name : `${name}-${version}`, ...noTopic }],
        timeoutMs: 1,
        validateOnly: false,
      })) as [unknown, unknown],
  ],
  [
    deleteTopicsApi,
    1,
    6,
    (version) =>
      [`new-${version + 1}`, missing].map((name) => ({
        topics: version >= 6 ? [{ name, topicId: zeroUuid }] : [],
        topicNames: version >= 6 ? [] : [name],
        timeoutMs: 1,
      })) as [unknown, unknown],
  ],
  [
    createPartitionsApi,
    0,
    3,
    () =>
      ["t", missing].map((name) => ({
        topics: [{ name, count: 3, assignments: null }],
        timeoutMs: 1,
        validateOnly: true,
      })) as [unknown, unknown],
  ],
  [
    deleteRecordsApi,
    0,
    2,
    () =>
      ["deletable", missing].map((name) => ({
        topics: [{ name, partitions: [{ partitionIndex: 0, offset: -1 }] }],
        timeoutMs: 1,
      })) as [unknown, unknown],
  ],
  [
    alterConfigsApi,
    0,
    2,
    () =>
      ["t", missing].map((resourceName) => ({
        resources: [{ resourceType: 2, resourceName, configs: [{ name: "cleanup.policy", value: "compact" }] }],
        validateOnly: false,
      })) as [unknown, unknown],
  ],
  [
    describeConfigsApi,
    0,
    4,
    (version) =>
      ["t", missing].map((resourceName) => ({
        resources: [{ resourceType: 2, resourceName, configurationKeys: null }],
        includeSynonyms: version >= 1,
        includeDocumentation: false,
      })) as [unknown, unknown],
  ],
  [
    incrementalAlterConfigsApi,
    0,
    1,
    () =>
      ["t", missing].map((resourceName) => ({
        resources: [
          { resourceType: 2, resourceName, configs: [{ name: "retention.ms", configOperation: 0, value: "5" }] },
        ],
        validateOnly: false,
      })) as [unknown, unknown],
  ],
  [
    offsetForLeaderEpochApi,
    2,
    4,
    () =>
      ["t", missing].map((topic) => ({
        replicaId: -1,
        topics: [{ topic, partitions: [{ partition: 0, currentLeaderEpoch: 1, leaderEpoch: 0 }] }],
      })) as [unknown, unknown],
  ],
  [saslHandshakeApi, 1, 1, () => [{ mechanism: "PLAIN" }, { mechanism: "" }]],
  [saslAuthenticateApi, 0, 2, () => [{ authBytes: Buffer.from("\0user\0secret") }, { authBytes: Buffer.alloc(0) }]],
];

/** Offsets and epochs are refused one by one; this broker asks nobody to authenticate, and says so. */
const neverWholly: ReadonlySet<unknown> = new Set([
  listOffsetsApi,
  offsetForLeaderEpochApi,
  saslHandshakeApi,
  saslAuthenticateApi,
]);

const versions = cases.flatMap(([api, first, last, requests]) =>
  Array.from({ length: last - first + 1 }, (_, index) => ({ name: api.name, version: first + index, api, requests })),
);

test("the cases cover what is offered", async () => {
  const { apiKeys } = await wire.call(apiVersionsApi, 0, { clientSoftwareName: "", clientSoftwareVersion: "" });
  // Produce below version 3 is offered, but not to be had (KAFKA-18659).
  const usable = (apiKey: number, minVersion: number): number => (apiKey === produceApi.key ? 3 : minVersion);
  const offered = apiKeys.map(({ apiKey, minVersion, maxVersion }) => [apiKey, usable(apiKey, minVersion), maxVersion]);
  const covered = cases.map(([api, first, last]) => [api.key, first, last]);
  expect(covered.toSorted((a, b) => (a[0] ?? 0) - (b[0] ?? 0))).toEqual(offered);
});

test.each(versions)("$name version $version: accepted and refused, each with a whole answer", async (one) => {
  const [accepted, refused] = one.requests(one.version);
  const api = one.api as Api<unknown, unknown>;
  const good = await wire.call(api, one.version, accepted);
  const bad = await wire.call(api, one.version, refused);
  expect(broker.errors).toEqual([]);
  if (!neverWholly.has(api)) expect(errorCodes(good).every((code) => code === 0)).toBe(true);
  if (api.key !== apiVersionsApi.key || one.version >= 3) expect(errorCodes(bad).some((code) => code !== 0)).toBe(true);
});

test("no damaged request stops the broker or throws out of it", async () => {
  const frames = versions.flatMap(({ api, version, requests }) =>
    requests(version).map((request) => requestFrame(api as Api<unknown, unknown>, version, request, 0)),
  );
  const damage = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 6 });
  const other = await EmbeddedBroker.start({ topics: [{ name: "t" }], autoCreateTopics: true });
  const witness = await Wire.open(other.bootstrapServers);
  try {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...frames), damage, fc.nat(), async (frame, changes, cut) => {
        const bytes = Buffer.from(frame);
        // Behind the length, so that the broker does not wait for the rest of a long frame.
        for (const [position, value] of changes) bytes[4 + (position % (bytes.length - 4))] = value;
        const hostile = await Wire.open(other.bootstrapServers);
        hostile.socket.end(cut % 4 === 0 ? bytes.subarray(0, cut % bytes.length) : bytes);
        expect((await metadata(witness, [])).brokers).toHaveLength(1);
        hostile.close();
      }),
      { numRuns: 300 },
    );
    // Broken requests are refused as such; anything else would be a defect of the broker.
    expect(other.errors.filter((error) => !(error instanceof ProtocolError))).toEqual([]);
    expect(other.errors.length).toBeGreaterThan(0);
  } finally {
    witness.close();
    await other.close();
  }
});

/** Every error code anywhere in an answer. */
function errorCodes(value: unknown): number[] {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return [];
  return Object.entries(value).flatMap(([name, inner]) =>
    name === "errorCode" && typeof inner === "number" ? [inner] : errorCodes(inner),
  );
}
