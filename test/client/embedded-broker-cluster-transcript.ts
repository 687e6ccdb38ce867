import { fetchApi } from "../../packages/client/src/protocol/generated/fetch.ts";
import { offsetForLeaderEpochApi } from "../../packages/client/src/protocol/generated/offset-for-leader-epoch.ts";
import { produceApi } from "../../packages/client/src/protocol/generated/produce.ts";
import { batch, fetchRequest, metadata, onlyPartition, produce, produceRequest } from "./embedded-broker-requests.ts";
import { Wire } from "./embedded-broker-wire.ts";

/** Three nodes, each in a rack that is called after its id, with the topics "all" (three replicas) and "two" (two). */
export interface ClusterUnderTest {
  readonly bootstrapServers: string;
  moveLeader(topic: string, nodeId: number): Promise<void>;
}

interface Place {
  /** Wires by node id. */
  readonly wires: ReadonlyMap<number, Wire>;
  readonly topicId: string;
  readonly leader: number;
  readonly epoch: number;
  readonly replicas: readonly number[];
}

/**
 * Asks the nodes of one cluster about leaders, leader epochs and replicas, and writes down what they answer, in words
 * that do not depend on node ids and on how far epochs have counted.
 */
export async function clusterTranscript(cluster: ClusterUnderTest): Promise<string[]> {
  const lines: string[] = [];
  const wires = await wiresByNode(cluster.bootstrapServers);
  try {
    const before = await placeOf(wires, "all");
    await produce(wire(before, before.leader), batch(2), { topic: "all" });
    const [successor = -1] = before.replicas.filter((id) => id !== before.leader);
    await cluster.moveLeader("all", successor);
    const after = await waitForLeader(wires, "all", successor);
    await produce(wire(after, after.leader), batch(3), { topic: "all" });
    const names = new Map([
      [-1, "nobody"],
      [before.leader, "the old leader"],
      [after.leader, "the new leader"],
    ]);
    const name = (id: number): string => names.get(id) ?? "the third";
    const epochs = new Map([
      [before.epoch, "old"],
      [after.epoch, "new"],
      [-1, "none"],
    ]);
    const epoch = (number: number): string => epochs.get(number) ?? "another";
    const note = (what: string, answer: unknown): void => void lines.push(`${what}: ${JSON.stringify(answer)}`);
    await hintLines(note, before, after, name, epoch);
    await strangerLines(note, wires);
    await epochLines(note, before, after, epoch);
    await divergenceLines(note, before, after, epoch);
    await rackLines(note, after, before.leader, name);
  } finally {
    for (const open of wires.values()) open.close();
  }
  return lines;
}

type Note = (what: string, answer: unknown) => void;

function wire({ wires }: Pick<Place, "wires">, id: number): Wire {
  const found = wires.get(id);
  if (found === undefined) throw new Error(`no node ${id}`);
  return found;
}

async function wiresByNode(bootstrapServers: string): Promise<Map<number, Wire>> {
  const wires = new Map<number, Wire>();
  for (const [index, address] of bootstrapServers.split(",").entries()) {
    const open = await Wire.open(bootstrapServers, index);
    const { brokers } = await metadata(open, []);
    const self = brokers.find(({ host, port }) => `${host}:${port}` === address);
    wires.set(self?.nodeId ?? -1, open);
  }
  return wires;
}

async function placeOf(wires: ReadonlyMap<number, Wire>, topic: string): Promise<Place> {
  const [any] = wires.values();
  if (any === undefined) throw new Error("no nodes");
  const found = (await metadata(any, [topic])).topics[0];
  const partition = found?.partitions[0];
  return {
    wires,
    topicId: found?.topicId ?? "",
    leader: partition?.leaderId ?? -1,
    epoch: partition?.leaderEpoch ?? -1,
    replicas: partition?.replicaNodes ?? [],
  };
}

/** Until every node knows of the leader: a real one learns it from the controller. */
async function waitForLeader(wires: ReadonlyMap<number, Wire>, topic: string, leader: number): Promise<Place> {
  for (const [id, open] of wires) {
    while ((await placeOf(new Map([[id, open]]), topic)).leader !== leader);
  }
  const place = await placeOf(wires, topic);
  // A node's metadata may be ahead of its replicas.
  for (const id of place.replicas) {
    while (onlyPartition(await fetchAt(wire(place, id), 11, { topic, epoch: place.epoch })).errorCode !== 0);
  }
  return place;
}

async function fetchAt(
  open: Wire,
  version: number,
  place: Parameters<typeof fetchRequest>[0] & { lastFetchedEpoch?: number; rackId?: string },
) {
  const request = fetchRequest(place);
  const topics = request.topics.map((topic) => ({
    ...topic,
    partitions: topic.partitions.map((partition) => ({
      ...partition,
      lastFetchedEpoch: place.lastFetchedEpoch ?? -1,
    })),
  }));
  return open.call(fetchApi, version, { ...request, topics, rackId: place.rackId ?? "" });
}

async function hintLines(
  note: Note,
  before: Place,
  after: Place,
  name: (id: number) => string,
  epoch: (number: number) => string,
): Promise<void> {
  const hint = (leader: { leaderId: number; leaderEpoch: number } | undefined) =>
    leader === undefined ? "no hint" : [name(leader.leaderId), epoch(leader.leaderEpoch)];
  const old = wire(after, before.leader);
  for (const version of [9, 10, 12, 13]) {
    const place = version >= 13 ? { topic: "", topicId: after.topicId } : { topic: "all" };
    const { responses, nodeEndpoints = [] } = await old.call(produceApi, version, produceRequest(batch(), place));
    const answer = responses[0]?.partitionResponses[0];
    note(`produce ${version} at the old leader`, [
      answer?.errorCode,
      hint(answer?.currentLeader),
      nodeEndpoints.map(({ nodeId, rack }) => [name(nodeId), rack === String(nodeId)]),
    ]);
  }
  for (const version of [10, 11, 12, 13, 16]) {
    for (const [what, current] of [
      ["old", before.epoch],
      ["no", -1],
      ["future", after.epoch + 5],
    ] as const) {
      const place = version >= 13 ? { topic: "", topicId: after.topicId } : { topic: "all" };
      const response = await fetchAt(old, version, { ...place, epoch: current });
      const answer = onlyPartition(response);
      note(`fetch ${version} at the old leader with ${what} epoch`, [
        answer.errorCode,
        hint(answer.currentLeader),
        (response.nodeEndpoints ?? []).map(({ nodeId, rack }) => [name(nodeId), rack === String(nodeId)]),
      ]);
    }
  }
}

/** At a node that has no replica. */
async function strangerLines(note: Note, wires: ReadonlyMap<number, Wire>): Promise<void> {
  const place = await placeOf(wires, "two");
  const stranger = [...wires.keys()].find((id) => !place.replicas.includes(id)) ?? -1;
  for (const current of [-1, place.epoch, place.epoch + 5]) {
    const { responses, nodeEndpoints = [] } = await fetchAt(wire(place, stranger), 16, {
      topic: "",
      topicId: place.topicId,
      epoch: current,
    });
    const answer = responses[0]?.partitions[0];
    note("fetch 16 at a node without replica", [
      answer?.errorCode,
      answer?.currentLeader?.leaderId === place.leader,
      answer?.currentLeader?.leaderEpoch === place.epoch,
      nodeEndpoints.map(({ nodeId }) => nodeId === place.leader),
    ]);
    note("epochs at a node without replica", await epochEnd(wire(place, stranger), 4, "two", current, 0));
  }
}

async function epochEnd(open: Wire, version: number, topic: string, currentLeaderEpoch: number, leaderEpoch: number) {
  const request = {
    replicaId: -1,
    topics: [{ topic, partitions: [{ partition: 0, currentLeaderEpoch, leaderEpoch }] }],
  };
  const answer = (await open.call(offsetForLeaderEpochApi, version, request)).topics[0]?.partitions[0];
  return [answer?.errorCode, answer?.leaderEpoch, answer?.endOffset];
}

async function epochLines(note: Note, before: Place, after: Place, epoch: (number: number) => string): Promise<void> {
  const ask = async (what: string, id: number, current: number, wanted: number, version = 4): Promise<void> => {
    const [errorCode, found, endOffset] = await epochEnd(wire(after, id), version, "all", current, wanted);
    note(what, [errorCode, epoch(found ?? -2), endOffset]);
  };
  for (const version of [2, 3, 4]) {
    await ask(`end of the old epoch, version ${version}`, after.leader, -1, before.epoch, version);
    await ask(`end of the new epoch, version ${version}`, after.leader, after.epoch, after.epoch, version);
  }
  await ask("end of an epoch to come", after.leader, -1, after.epoch + 1);
  await ask("end of no epoch", after.leader, -1, -1);
  await ask("with the old leader epoch", after.leader, before.epoch, before.epoch);
  await ask("with a leader epoch to come", after.leader, after.epoch + 1, before.epoch);
  await ask("at the old leader", before.leader, -1, before.epoch);
  await ask("at the old leader with the new epoch", before.leader, after.epoch, before.epoch);
  note("end of an epoch of an unknown topic", await epochEnd(wire(after, after.leader), 4, "nothing", -1, 0));
}

async function divergenceLines(
  note: Note,
  before: Place,
  after: Place,
  epoch: (number: number) => string,
): Promise<void> {
  const cases = [
    ["at the end of the old epoch", 2, before.epoch],
    ["beyond the end of the old epoch", 4, before.epoch],
    ["at the end of the log", 5, after.epoch],
    ["beyond the end of the log", 6, after.epoch],
    ["beyond the end of the log, in no epoch", 6, -1],
    ["in an epoch to come", 2, after.epoch + 1],
  ] as const;
  for (const [what, offset, lastFetchedEpoch] of cases) {
    for (const id of [after.leader, before.leader]) {
      const answer = onlyPartition(
        await fetchAt(wire(after, id), 12, { topic: "all", offset, lastFetchedEpoch, epoch: after.epoch }),
      );
      const { divergingEpoch } = answer;
      note(`${what}, ${id === after.leader ? "leader" : "follower"}`, [
        answer.errorCode,
        divergingEpoch === undefined ? "agrees" : [epoch(divergingEpoch.epoch), divergingEpoch.endOffset],
        answer.abortedTransactions?.length ?? null,
      ]);
    }
  }
}

async function rackLines(note: Note, after: Place, follower: number, name: (id: number) => string): Promise<void> {
  const ask = async (what: string, id: number, version: number, rackId: string, offset = 0): Promise<void> => {
    const answer = onlyPartition(await fetchAt(wire(after, id), version, { topic: "all", rackId, offset }));
    const { errorCode, preferredReadReplica, records, highWatermark, abortedTransactions } = answer;
    note(what, [
      errorCode,
      name(preferredReadReplica),
      (records?.length ?? 0) > 0,
      highWatermark,
      errorCode === 0 ? (abortedTransactions?.length ?? null) : null,
    ]);
  };
  const { leader } = after;
  for (const version of [10, 11, 12]) {
    await ask(`fetch ${version} in a follower's rack`, leader, version, String(follower));
    await ask(`fetch ${version} in the leader's rack`, leader, version, String(leader));
    await ask(`fetch ${version} in no rack`, leader, version, "");
    await ask(`fetch ${version} in a rack without brokers`, leader, version, "nowhere");
    await ask(`fetch ${version} beyond the end in a follower's rack`, leader, version, String(follower), 9);
  }
  // A follower learns a little later what may be read.
  while (onlyPartition(await fetchAt(wire(after, follower), 11, { topic: "all" })).highWatermark < 5);
  await ask("at a follower in its rack", follower, 11, String(follower));
  await ask("at a follower in the leader's rack", follower, 11, String(leader));
  await ask("at a follower beyond the end", follower, 11, String(follower), 9);
}
