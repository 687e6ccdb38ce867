import type { JavaPeer } from "../harness/java-peer.ts";
import type { Workload } from "./workload.ts";

/** Everything in which log and tables, as the Java client reads them, differ from what writers and tables were told. */
export async function compareWithJava(
  java: JavaPeer,
  bootstrapServers: string,
  topic: string,
  workloads: readonly Workload[],
  tables: readonly ReadonlyMap<string, number>[],
): Promise<string[]> {
  const { records } = await java.call("consume", { bootstrapServers, topic }, { timeoutMs: 300_000 });
  const log = new Map(
    records.map((record) => [
      `${record.partition}/${record.offset}`,
      { key: text(record.keyBase64), value: record.valueBase64 === null ? null : text(record.valueBase64) },
    ]),
  );
  const defects: string[] = [];
  let acknowledged = 0;
  let undecided = 0;
  for (const workload of workloads) {
    for (const [key, writes] of workload.byKey) {
      const partition = workload.partitionOf(key);
      let lastOffset = -1;
      for (const { n, isDelete, offset, failure } of writes) {
        const what = `${isDelete ? "deletion" : "value"} ${n} of ${key}`;
        if (offset === undefined) {
          undecided++;
          defects.push(`${what} was not acknowledged: ${String(failure)}`);
          continue;
        }
        acknowledged++;
        const record = log.get(`${partition}/${offset}`);
        const expected = isDelete ? null : JSON.stringify({ n });
        if (record?.key !== key || record.value !== expected) {
          defects.push(`lost: ${what}, acknowledged at ${partition}/${offset}, where ${JSON.stringify(record)} is`);
        }
        if (offset <= lastOffset) defects.push(`order: ${what} is at ${offset}, not behind ${lastOffset}`);
        lastOffset = offset;
      }
    }
  }
  // Every acknowledged write has its own place, so whatever else there is was written twice.
  if (records.length !== acknowledged && undecided === 0) {
    defects.push(`duplicates: ${records.length} records for ${acknowledged} acknowledged writes`);
  }
  const view = await java.call("table", { bootstrapServers, topic }, { timeoutMs: 300_000 });
  const expected = new Map(
    Object.entries(view.entries).map(([key, value]) => [text(key), (JSON.parse(text(value)) as { n: number }).n]),
  );
  tables.forEach((table, index) => {
    for (const key of new Set([...table.keys(), ...expected.keys()])) {
      if (table.get(key) === expected.get(key)) continue;
      defects.push(`table ${index}: ${key} is ${table.get(key)}, the Java consumer has ${expected.get(key)}`);
    }
  });
  return defects;
}

function text(base64: string | null): string {
  return Buffer.from(base64 ?? "", "base64").toString();
}
