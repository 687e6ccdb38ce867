import { bytes, json, KafkaTable, KafkaTableWriter, string } from "ktables";
import type { OnSet, Table, Task, Writer } from "./client.ts";

/** Defaults, except that a slow machine may take its time. */
export async function openTable(task: Task, onSet: OnSet | undefined): Promise<Table> {
  const { bootstrapServers, topic } = task;
  const common = { connection: bootstrapServers, topic, ensureTopic: false, catchupTimeoutMs: 600_000 };
  const hook = onSet === undefined ? {} : { onSet: (_: string, value: unknown) => onSet(value) };
  const table = task.json
    ? await KafkaTable.open<unknown>({ ...common, ...hook, value: json<unknown>() })
    : await KafkaTable.open({ ...common, ...hook, value: bytes(), store: "bytes", validate: "lazy" });
  return {
    keys: () => [...table.keys()],
    get: (key) => table.get(key),
    barrier: () => table.barrier(),
    close: () => table.stop(),
  };
}

export async function openWriter({ bootstrapServers, topic }: Task): Promise<Writer> {
  const writer = await KafkaTableWriter.open({
    connection: bootstrapServers,
    topic,
    value: string(),
    ensureTopic: false,
  });
  return {
    recordsPerSend: 1,
    send: ([entry]) => (entry === undefined ? Promise.resolve() : writer.set(...entry)),
    close: () => writer.stop(),
  };
}
