/** A program that closes nothing. It is run by unref.test.ts with the name of a scenario and the broker's address. */
import { KafkaTable, KafkaTableWriter, silentLogger, string } from "ktables";

const [scenario = "", bootstrapServers = ""] = process.argv.slice(2);
const connection = { bootstrapServers, logger: silentLogger, retryBackoffMs: 5, maxRetryBackoffMs: 50 };
const unref = { connection: { ...connection, unref: true }, topic: "t", value: string() };
const print = (text: string): void => void process.stdout.write(`${text}\n`);

const scenarios: Record<string, () => Promise<void>> = {
  "what was asked for is there": async () => {
    const table = await KafkaTable.open(unref);
    const writer = await KafkaTableWriter.open({ ...unref, lingerMs: 100 });
    const token = await writer.set("k", "1");
    await table.waitFor(token);
    print(`${table.get("k")} ${await table.barrier()}`);
  },
  "somebody waits for a record in vain": async () => {
    const table = await KafkaTable.open(unref);
    const never = { topic: "t", partition: 0, offset: 1000 };
    await table.waitFor(never, { timeoutMs: 200 }).catch((error: Error) => print(error.message));
  },
  "somebody iterates over changes": async () => {
    const table = await KafkaTable.open(unref);
    void (async (): Promise<void> => {
      for await (const change of table.changes()) print(change.type);
    })();
    await table.barrier();
    print("done");
  },
  "the table was stopped": async () => {
    const table = await KafkaTable.open(unref);
    await table.stop();
    print(table.status);
  },
  "no broker can be reached, and nobody asked for unref": async () => {
    const table = await KafkaTable.open({ ...unref, connection });
    print("ready");
    for await (const change of table.changes()) {
      if (change.type !== "set") continue;
      print(`${change.key} ${change.value}`);
      void table.stop();
    }
  },
};

await scenarios[scenario]?.();
