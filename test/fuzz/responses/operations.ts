import {
  createPartitions,
  createTopic,
  deleteRecords,
  deleteTopic,
  describeTopicConfigs,
  type KafkaClient,
  listOffsets,
  Producer,
  setTopicConfigs,
  TopicReader,
} from "@ktables/client";
import { encodeBatch } from "@ktables/record-batch";
import type { Random } from "../random.ts";
import { type DamagingPeer, partitions, recordsPerPartition } from "./peer.ts";

export interface Run {
  readonly client: KafkaClient;
  readonly peer: DamagingPeer;
  readonly random: Random;
  /** Whether the peer says nothing wrong, so that everything must succeed with the right result. */
  readonly isTruthful: boolean;
  readonly timeoutMs: number;
}

/** Uses the client as users do. Throws the client's error, or another one where the result is not what it must be. */
type Operation = (run: Run) => Promise<void>;

export function expectThat(condition: boolean, what: string): void {
  if (!condition) throw new Error(`the client did what it must not: ${what}`);
}

/** What the peer has from the start, and one record more in each partition. */
const keysPerPartition = recordsPerPartition + 1;
const expectedKeys = Array.from({ length: partitions * keysPerPartition }, (_, index) => {
  return `${Math.floor(index / keysPerPartition)} ${index % keysPerPartition}`;
});

async function metadata({ client, isTruthful, timeoutMs }: Run): Promise<void> {
  const topic = await client.topicMetadata("t", { timeoutMs });
  topic.partitions.forEach((partition, index) => expectThat(partition.partition === index, "partitions with gaps"));
  expectThat(topic.partitions.length > 0, "a topic without partitions");
  if (isTruthful) expectThat(topic.partitions.length === partitions, "another number of partitions");
}

async function offsets({ client, isTruthful, timeoutMs }: Run): Promise<void> {
  const ends = await listOffsets(client, "t", "latest", { timeoutMs });
  for (const end of ends.values()) expectThat(Number.isSafeInteger(end) && end >= 0, `the end ${end}`);
  if (!isTruthful) return;
  expectThat(ends.size === partitions, "a partition without an end");
  for (const end of ends.values()) expectThat(end === recordsPerPartition, "another end");
}

/** What was read is compared with the log of the next leader, before what that one has taken is read too. */
async function read({ client, peer, isTruthful, timeoutMs }: Run): Promise<void> {
  const keys: string[] = [];
  const over = Promise.withResolvers<void>();
  let isLedAnew = false;
  const leadAnew = (): void => {
    isLedAnew = true;
    for (const partition of peer.cluster.topic("t")?.partitions ?? []) {
      partition.lead(peer.node.id);
      const key = Uint8Array.of(partition.index, recordsPerPartition);
      partition.append(encodeBatch({ records: [{ key, value: null, timestamp: 1 }] }));
    }
  };
  const reader = new TopicReader(client, {
    topic: "t",
    maxWaitMs: 5,
    onBatch: (partition, batch, fromOffset) => {
      let previous = fromOffset - 1;
      batch.visit((record) => {
        if (record.offset < fromOffset) return;
        expectThat(record.offset > previous, "records out of order");
        previous = record.offset;
        const [keyPartition = -1, number = -1] = record.key() ?? [];
        keys.push(`${keyPartition} ${number}`);
        if (isTruthful) expectThat(partition === keyPartition && record.offset === number, "a record at another place");
      });
      if (keys.length >= partitions * recordsPerPartition && !isLedAnew) leadAnew();
      if (keys.length >= expectedKeys.length) over.resolve();
    },
    onFailure: over.reject,
  });
  const timer = setTimeout(over.resolve, timeoutMs);
  // It may fail before anybody waits for it.
  over.promise.catch(() => undefined);
  try {
    await reader.start({ timeoutMs });
    await over.promise;
    if (isTruthful) expectThat(keys.toSorted().join() === expectedKeys.join(), `the records ${keys.join()}`);
  } finally {
    clearTimeout(timer);
    await reader.close();
  }
}

const produce: Operation = (run) => write(run, true);
const produceWithoutIdempotence: Operation = (run) => write(run, false);

async function write({ client, peer, random, isTruthful, timeoutMs }: Run, isIdempotent: boolean): Promise<void> {
  const producer = new Producer(client, {
    deliveryTimeoutMs: timeoutMs,
    acks: isIdempotent ? "all" : 1,
    lingerMs: random.below(2),
  });
  try {
    const written = await Promise.allSettled(
      [0, 1, 2].map((number) =>
        producer.send({ topic: "t", partition: 0, key: Uint8Array.of(9, number), value: null }),
      ),
    );
    const failure = written.find(({ status }) => status === "rejected");
    if (failure?.status === "rejected") throw failure.reason;
    if (!isTruthful) return;
    const keys: number[] = [];
    for (const batch of peer.cluster.topic("t")?.partitions[0]?.log.batches ?? []) {
      batch.visit((record) => {
        const [kind, number = -1] = record.key() ?? [];
        if (kind === 9) keys.push(number);
      });
    }

    // Without idempotence, what is sent again after a cut may be written twice.
    if (isIdempotent) expectThat(keys.join() === "0,1,2", `the records ${keys.join()} in the log`);
    for (const number of [0, 1, 2]) expectThat(keys.includes(number), "a record that is not in the log");
  } finally {
    await producer.close({ timeoutMs: timeoutMs * 2 });
  }
}

async function create({ client, isTruthful, timeoutMs, peer }: Run): Promise<void> {
  const outcome = await createTopic(client, "new", { timeoutMs, partitions: 2 });
  expectThat(outcome === "created" || outcome === "exists", outcome);
  if (isTruthful) expectThat(peer.cluster.topic("new")?.partitions.length === 2, "no topic");
}

async function grow({ client, isTruthful, timeoutMs, peer }: Run): Promise<void> {
  const outcome = await createPartitions(client, "t", partitions + 3, { timeoutMs });
  expectThat(outcome === "created" || outcome === "exists", outcome);
  if (isTruthful) expectThat(peer.cluster.topic("t")?.partitions.length === partitions + 3, "no more partitions");
}

async function remove({ client, isTruthful, timeoutMs, peer }: Run): Promise<void> {
  const outcome = await deleteTopic(client, "t", { timeoutMs });
  expectThat(outcome === "deleted" || outcome === "absent", outcome);
  if (isTruthful) expectThat(peer.cluster.topic("t") === undefined, "a topic that is still there");
}

async function trim({ client, isTruthful, timeoutMs, peer }: Run): Promise<void> {
  const before = new Map<number, number | "latest">([
    [0, 3],
    [1, "latest"],
  ]);
  const starts = await deleteRecords(client, "t", before, { timeoutMs });
  expectThat(starts.size === before.size, "a partition without a start");
  for (const start of starts.values()) expectThat(Number.isSafeInteger(start) && start >= 0, `the start ${start}`);
  if (!isTruthful) return;
  expectThat(starts.get(0) === 3 && starts.get(1) === recordsPerPartition, `the starts ${[...starts.values()].join()}`);
  const inLog = peer.cluster.topic("t")?.partitions.map(({ log }) => log.startOffset);
  expectThat(inLog?.join() === `3,${recordsPerPartition}`, `logs that start at ${inLog?.join()}`);
}

async function configure({ client, isTruthful, timeoutMs }: Run): Promise<void> {
  await setTopicConfigs(client, "t", { "cleanup.policy": "compact" }, { timeoutMs });
  const entries = await describeTopicConfigs(client, "t", { timeoutMs });
  for (const { name } of entries) expectThat(typeof name === "string", "a setting without a name");
  const policy = entries.find(({ name }) => name === "cleanup.policy")?.value;
  if (isTruthful) expectThat(policy === "compact", `the policy ${policy}`);
}

export const operations: Readonly<Record<string, Operation>> = {
  metadata,
  offsets,
  read,
  produce,
  produceWithoutIdempotence,
  create,
  grow,
  remove,
  trim,
  configure,
};
