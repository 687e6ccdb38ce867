import { describe, expect, test } from "vitest";
import { ClusterMetadata, type TopicMetadata } from "../../packages/client/src/metadata.ts";

interface Answer {
  readonly topicId?: string;
  readonly errorCode?: number;
  /** Leader and leader epoch of each partition. */
  readonly partitions?: readonly (readonly [leader: number, epoch: number])[];
  readonly brokers?: readonly (readonly [id: number, host: string, port: number])[];
}

const reliable = 12;
const zeroId = "AAAAAAAAAAAAAAAAAAAAAA";

function update(metadata: ClusterMetadata, answer: Answer, version = reliable): TopicMetadata {
  const brokers = answer.brokers ?? [
    [1, "a", 1],
    [2, "b", 2],
  ];
  const partitions = (answer.partitions ?? [[1, 5]]).map(([leaderId, leaderEpoch], partitionIndex) => ({
    errorCode: leaderId < 0 ? 5 : 0,
    partitionIndex,
    leaderId,
    leaderEpoch,
    replicaNodes: [],
    isrNodes: [],
    offlineReplicas: [],
  }));
  return metadata.update(
    {
      throttleTimeMs: 0,
      brokers: brokers.map(([nodeId, host, port]) => ({ nodeId, host, port, rack: null })),
      clusterId: "cluster",
      controllerId: 1,
      clusterAuthorizedOperations: 0,
      errorCode: 0,
      topics: [
        {
          errorCode: answer.errorCode ?? 0,
          name: "t",
          topicId: answer.topicId ?? "topic-id",
          isInternal: false,
          topicAuthorizedOperations: 0,
          partitions,
        },
      ],
    },
    version,
    "t",
  );
}

const failing = (attempt: () => unknown): unknown => {
  try {
    return attempt();
  } catch (error) {
    return error;
  }
};

describe("an answer to Metadata", () => {
  test("that knows older leaders or fewer partitions changes nothing", () => {
    const metadata = new ClusterMetadata();
    update(metadata, {
      partitions: [
        [1, 5],
        [2, 5],
      ],
    });
    expect(
      update(metadata, {
        partitions: [
          [2, 4],
          [1, 6],
        ],
      }).partitions,
    ).toEqual([
      { partition: 0, leader: 1, leaderEpoch: 5 },
      { partition: 1, leader: 1, leaderEpoch: 6 },
    ]);
    for (let repeat = 0; repeat < 20; repeat++) {
      expect(update(metadata, { partitions: [[2, 9]] }).partitions).toHaveLength(2);
    }
  });

  test.each([
    [
      "older leaders",
      [
        [2, 4],
        [2, 5],
      ],
    ],
    ["fewer partitions", [[2, 5]]],
  ] as const)("that insists on %s five times is the truth after all (case 39)", (_, partitions) => {
    const metadata = new ClusterMetadata();
    update(metadata, {
      topicId: zeroId,
      partitions: [
        [1, 5],
        [2, 5],
      ],
    });
    for (let repeat = 0; repeat < 4; repeat++) {
      expect(update(metadata, { topicId: zeroId, partitions }).partitions[0]?.leader).toBe(1);
    }
    // An answer in between that is up to date starts the count again.
    update(metadata, {
      topicId: zeroId,
      partitions: [
        [1, 5],
        [2, 5],
      ],
    });
    for (let repeat = 0; repeat < 4; repeat++) update(metadata, { topicId: zeroId, partitions });
    expect(metadata.topic("t")?.partitions[0]?.leader).toBe(1);
    expect(update(metadata, { topicId: zeroId, partitions }).partitions).toHaveLength(partitions.length);
    expect(metadata.topic("t")?.partitions[0]?.leader).toBe(2);
  });

  test("with another topic id is another topic, whatever its epochs (case 41)", () => {
    const metadata = new ClusterMetadata();
    update(metadata, {
      partitions: [
        [1, 5],
        [2, 5],
      ],
    });
    expect(update(metadata, { topicId: "another", partitions: [[2, 0]] })).toEqual({
      name: "t",
      topicId: "another",
      partitions: [{ partition: 0, leader: 2, leaderEpoch: 0 }],
    });
  });

  test("tells no epoch where brokers of that age are wrong about it", () => {
    const metadata = new ClusterMetadata();
    expect(update(metadata, {}, 8).partitions[0]?.leaderEpoch).toBe(-1);
  });

  test("tells no topic id where it is zero (case 42)", () => {
    expect(update(new ClusterMetadata(), { topicId: zeroId }).topicId).toBeUndefined();
  });

  test("with a leader that is not among the brokers has none", () => {
    expect(update(new ClusterMetadata(), { partitions: [[7, 5]] }).partitions[0]?.leader).toBe(-1);
  });

  test.each([
    ["an error", { errorCode: 3 }],
    ["no partitions (case 61)", { partitions: [] }],
  ])("with %s for the topic is no success, and does not forget what is known", (_, answer) => {
    const metadata = new ClusterMetadata();
    const known = update(metadata, {});
    expect(failing(() => update(metadata, answer))).toMatchObject({ code: "UNKNOWN_TOPIC_OR_PARTITION", topic: "t" });
    expect(metadata.topic("t")).toEqual(known);
  });

  test("without usable brokers leaves the known ones", () => {
    const metadata = new ClusterMetadata();
    update(metadata, {});
    update(metadata, {
      brokers: [
        [1, "", 1],
        [2, "b", 0],
        [3, "c", 65_536],
      ],
    });
    expect(metadata.brokers()).toEqual([
      { host: "a", port: 1 },
      { host: "b", port: 2 },
    ]);
    update(metadata, { brokers: [[2, "moved", 3]] });
    expect(metadata.brokers()).toEqual([{ host: "moved", port: 3 }]);
  });
});

describe("a hint about a leader (KIP-951, case 37)", () => {
  const endpoint = (nodeId: number, port = 9, host = "new") => ({ nodeId, host, port });
  const known = (): ClusterMetadata => {
    const metadata = new ClusterMetadata();
    update(metadata, {
      partitions: [
        [1, 5],
        [1, 5],
      ],
    });
    return metadata;
  };

  test("with a newer epoch is followed, and changes no more than the partition and the broker that it names", () => {
    const metadata = known();
    metadata.noteLeaders(
      "t",
      "topic-id",
      [{ partitionIndex: 1, leaderId: 3, leaderEpoch: 6 }],
      [endpoint(3), endpoint(2)],
    );
    expect(metadata.topic("t")?.partitions).toEqual([
      { partition: 0, leader: 1, leaderEpoch: 5 },
      { partition: 1, leader: 3, leaderEpoch: 6 },
    ]);
    expect([1, 2, 3].map((id) => metadata.broker(id)?.host)).toEqual(["a", "b", "new"]);
    // Metadata that is older than the hint does not undo it.
    expect(
      update(metadata, {
        partitions: [
          [1, 5],
          [1, 5],
        ],
        brokers: [
          [1, "a", 1],
          [3, "new", 9],
        ],
      }).partitions[1],
    ).toEqual({ partition: 1, leader: 3, leaderEpoch: 6 });
  });

  test("may name a known broker without its address, or with another one", () => {
    const metadata = known();
    metadata.noteLeaders("t", "topic-id", [{ partitionIndex: 0, leaderId: 2, leaderEpoch: 6 }], []);
    expect(metadata.topic("t")?.partitions[0]?.leader).toBe(2);
    metadata.noteLeaders("t", "topic-id", [{ partitionIndex: 1, leaderId: 2, leaderEpoch: 7 }], [endpoint(2)]);
    expect(metadata.broker(2)).toEqual({ host: "new", port: 9 });
  });

  test.each([
    ["an older epoch", { leaderEpoch: 4 }, undefined],
    ["the same epoch", { leaderEpoch: 5 }, undefined],
    ["no leader", { leaderId: -1 }, undefined],
    ["a broker that nobody knows", { leaderId: 7 }, undefined],
    ["an address that cannot be", { leaderId: 7 }, endpoint(7, 0)],
    ["an empty host", { leaderId: 7 }, endpoint(7, 9, "")],
    ["a partition that nobody knows", { partitionIndex: 5 }, undefined],
  ])("with %s is ignored, and its addresses too", (_, change, address) => {
    const metadata = known();
    const before = metadata.topic("t");
    const hint = { partitionIndex: 0, leaderId: 2, leaderEpoch: 6, ...change };
    metadata.noteLeaders("t", "topic-id", [hint], [address ?? endpoint(hint.leaderId === 7 ? 8 : hint.leaderId)]);
    expect(metadata.topic("t")).toEqual(before);
    expect(metadata.brokers()).toEqual([
      { host: "a", port: 1 },
      { host: "b", port: 2 },
    ]);
  });

  test("about another incarnation of the topic, or an unknown topic, is ignored", () => {
    const metadata = known();
    const before = metadata.topic("t");
    metadata.noteLeaders("t", "another", [{ partitionIndex: 0, leaderId: 2, leaderEpoch: 6 }], []);
    metadata.noteLeaders("u", undefined, [{ partitionIndex: 0, leaderId: 2, leaderEpoch: 6 }], []);
    expect(metadata.topic("t")).toEqual(before);
    expect(metadata.topic("u")).toBeUndefined();
  });
});

test("without a leader and epoch for any number of refreshes, the last epoch stays the measure (case 39)", () => {
  const metadata = new ClusterMetadata();
  update(metadata, { partitions: [[1, 5]] });
  for (let repeat = 0; repeat < 10; repeat++) {
    expect(update(metadata, { partitions: [[-1, -1]] }).partitions[0]).toMatchObject({ leader: -1, leaderEpoch: 5 });
  }
  expect(update(metadata, { partitions: [[2, 4]] }).partitions[0]).toMatchObject({ leader: -1, leaderEpoch: 5 });
  expect(update(metadata, { partitions: [[2, 6]] }).partitions[0]).toMatchObject({ leader: 2, leaderEpoch: 6 });
});
