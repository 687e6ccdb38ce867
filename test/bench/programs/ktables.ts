import { bytes, json, KafkaTable, KafkaTableWriter, string, type WriteToken } from "ktables";
import type { OnSet, Table, Task, Writer } from "./client.ts";

/** Defaults, except that a slow machine may take its time, and that JSON is parsed when it is read where that is the case. */
export async function openTable(task: Task, onSet: OnSet | undefined): Promise<Table> {
  const { bootstrapServers, topic, json: isParsed, lazyJson } = task;
  const table = await KafkaTable.open<unknown>({
    connection: bootstrapServers,
    topic,
    ensureTopic: false,
    catchupTimeoutMs: 600_000,
    value: isParsed || lazyJson ? json<unknown>() : bytes(),
    ...(lazyJson && { validate: "lazy" }),
    ...(onSet && { onSet: (_: string, value: unknown) => onSet(value) }),
  });
  return {
    keys: () => [...table.keys()],
    get: (key) => table.get(key),
    barrier: () => table.barrier(),
    waitFor: (token) => table.waitFor(token as WriteToken),
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
