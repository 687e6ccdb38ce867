import { KafkaClient, listOffsets, TopicReader } from "@ktables/client";
import { EmbeddedBroker } from "@ktables/client/testing";
import fc from "fast-check";
import { json, type KafkaClientConfig, KafkaTable, KafkaTableWriter } from "ktables";
import { expect, test } from "vitest";
import { recordingLogger, until } from "../suites/support.ts";
import {
  applyFault,
  Cutter,
  histories,
  identityErrors,
  nodes,
  partitions,
  type Step,
  type Victim,
} from "./chaos-faults.ts";

const numRuns = Number(process.env["KTABLES_CHAOS_RUNS"] ?? 40);
const seed = Number(process.env["KTABLES_CHAOS_SEED"] ?? Date.now() % 2 ** 31);

interface Write {
  readonly key: string;
  /** Unlike any other; undefined for a deletion. */
  readonly value: number | undefined;
  /** `partition/offset` once acknowledged. */
  place: string | undefined;
  failure: (Error & { readonly maybeWritten?: boolean }) | undefined;
}

interface Logged {
  readonly key: string;
  readonly value: number | undefined;
  readonly place: string;
}

/** Everything in the log of the broker, partition by partition. */
async function readLog(broker: EmbeddedBroker): Promise<Logged[]> {
  await using client = new KafkaClient(broker.bootstrapServers);
  const log: Logged[] = [];
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  await using reader = new TopicReader(client, {
    topic: "t",
    isolation: "read_uncommitted",
    onBatch: (partition, batch, fromOffset) => {
      batch.visit((record) => {
        if (record.offset < fromOffset) return;
        const value = record.value();
        log.push({
          key: text(record.key() ?? new Uint8Array()),
          value: value === null ? undefined : (JSON.parse(text(value)) as number),
          place: `${partition}/${record.offset}`,
        });
      });
    },
  });
  const ends = await listOffsets(client, "t", "latest");
  await reader.start();
  await until(() => [...ends].every(([partition, end]) => (reader.position(partition) ?? -1) >= end));
  return log;
}

/** What has to be true of the log, whatever happened: each line is a promise that was broken. */
function defectsOf(writes: readonly Write[], log: readonly Logged[]): string[] {
  const defects: string[] = [];
  const byPlace = new Map(log.map((record) => [record.place, record]));
  const explained = new Set<string>();
  for (const { key, value, place, failure } of writes) {
    const what = value === undefined ? `the deletion of ${key}` : `${key} = ${value}`;
    if (place !== undefined) {
      const record = byPlace.get(place);
      if (record?.key !== key || record.value !== value) defects.push(`${what} is not at ${place}, as acknowledged`);
      if (explained.has(place)) defects.push(`${what} has the place of another write, ${place}`);
      explained.add(place);
    } else if (failure === undefined) {
      defects.push(`${what} is neither acknowledged nor refused`);
    } else if (failure.maybeWritten === false && value !== undefined && log.some((other) => other.value === value)) {
      defects.push(`${what} was reported as not written, but it is`);
    }
  }
  const maybe = writes.filter(({ failure }) => failure?.maybeWritten === true);
  for (const { place, key, value } of log) {
    if (explained.has(place)) continue;
    const index = maybe.findIndex((write) => write.key === key && write.value === value);
    if (index === -1) defects.push(`${key} = ${value} at ${place} was written twice, or by nobody`);
    else maybe.splice(index, 1);
  }
  for (const key of new Set(writes.map((write) => write.key))) {
    const inLog = log.flatMap((record) => (record.key === key && record.value !== undefined ? [record.value] : []));
    if (inLog.some((value, index) => index > 0 && value <= (inLog[index - 1] ?? 0))) {
      defects.push(`order of ${key}: ${inLog.join(", ")}`);
    }
    const offsets = writes.flatMap((write) => (write.key === key && write.place ? [offsetOf(write.place)] : []));
    if (offsets.some((offset, index) => index > 0 && offset <= (offsets[index - 1] ?? 0))) {
      defects.push(`order of the acknowledged places of ${key}: ${offsets.join(", ")}`);
    }
  }
  return defects;
}

function offsetOf(place: string): number {
  return Number(place.split("/")[1]);
}

/** Lives through one history and returns every promise that was broken. */
async function liveThrough(history: readonly Step[]): Promise<string[]> {
  await using broker = await EmbeddedBroker.start({ nodes, topics: [{ name: "t", partitions, replicationFactor: 3 }] });
  const cutter = new Cutter();
  const victim: Victim = { broker, cutter, running: new Set(Array.from({ length: nodes }, (_, node) => node)) };
  const connection = (): KafkaClientConfig => ({
    bootstrapServers: broker.bootstrapServers,
    connector: cutter.connector,
    retryBackoffMs: 2,
    maxRetryBackoffMs: 20,
    logger: recordingLogger(),
  });
  const common = { topic: "t", value: json<number>(), ensureTopic: false };
  const openTable = (index: number): Promise<KafkaTable<number>> => {
    const store = index === 0 ? "decoded" : "bytes";
    return KafkaTable.open({ ...common, connection: connection(), fetchMaxWaitMs: 50, store });
  };
  const writer = await KafkaTableWriter.open({ ...common, connection: connection(), maxBatchBytes: 150 });
  const tables = [await openTable(0), await openTable(1)];
  const writes: Write[] = [];
  let pending: Promise<void>[] = [];
  const undo: (() => void)[] = [];

  const send = (key: string, isDelete: boolean): void => {
    const write: Write = { key, value: isDelete ? undefined : writes.length, place: undefined, failure: undefined };
    writes.push(write);
    const sent = write.value === undefined ? writer.delete(key) : writer.set(key, write.value);
    const settled = sent.then(
      ({ partition, offset }) => {
        write.place = `${partition}/${offset}`;
      },
      (failure: Error) => {
        write.failure = failure;
      },
    );
    pending.push(settled);
  };

  try {
    for (const step of history) {
      if (step.kind === "write") {
        for (let copy = 0; copy < step.copies; copy++) send(`key ${step.key}`, step.isDelete && copy === 0);
      } else if (step.kind === "settle") {
        await Promise.all(pending);
        pending = [];
      } else if (step.kind === "pause") {
        await new Promise((resolve) => setTimeout(resolve, step.ms));
      } else if (step.kind === "restart table") {
        await tables[step.table]?.stop();
        tables[step.table] = await openTable(step.table);
      } else {
        undo.push(await applyFault(victim, step));
      }
    }
    for (const heal of undo) heal();
    cutter.heal();
    for (let node = 0; node < nodes; node++) await broker.startNode(node);
    await Promise.all(pending);
    const log = await readLog(broker);
    const defects = defectsOf(writes, log);
    const losesIdentity = history.some((step) => step.kind === "error" && identityErrors.has(step.errorCode));
    const failed = writes.filter(({ failure }) => failure !== undefined);
    if (!losesIdentity) defects.push(...failed.map(({ key, failure }) => `writing ${key} failed: ${failure?.message}`));

    const expected = new Map<string, number>();
    for (const { key, value } of log) {
      if (value === undefined) expected.delete(key);
      else expected.set(key, value);
    }
    for (const table of tables) {
      if (!(await table.barrier({ timeoutMs: 10_000 })))
        defects.push(`${table.toString()} has no barrier: ${table.failure?.message}`);
      expect(sorted(table), table.toString()).toEqual(sorted(expected));
    }
    // Where nothing failed, the log itself has to be what a Map would be.
    if (failed.length === 0) {
      const model = new Map<string, number>();
      for (const { key, value } of writes) {
        if (value === undefined) model.delete(key);
        else model.set(key, value);
      }
      expect(sorted(expected)).toEqual(sorted(model));
    }
    return defects;
  } finally {
    await Promise.all([...tables.map((table) => table.stop()), broker.close()]);
    await writer.stop();
  }
}

function sorted(entries: Iterable<[string, number]>): [string, number][] {
  return [...entries].toSorted(([a], [b]) => (a < b ? -1 : 1));
}

test("any history of writes, faults and restarts ends as the same writes to a Map do", {
  timeout: 600_000,
}, async () => {
  console.log(`chaos by property: seed ${seed}, ${numRuns} runs (KTABLES_CHAOS_SEED, KTABLES_CHAOS_RUNS)`);
  await fc.assert(
    fc.asyncProperty(histories, async (history) => {
      expect(await liveThrough(history)).toEqual([]);
    }),
    { seed, numRuns, endOnFailure: false },
  );
});
