/**
 * A program that uses the client, closes what it has opened, and has to end by itself. It is run by exit.test.ts with
 * the name of a scenario and the broker's address, where something never answers.
 */
import { KafkaClient, Producer, silentLogger, TopicReader } from "@ktables/client";

const [scenario = "", bootstrapServers = ""] = process.argv.slice(2);
const client = new KafkaClient({ bootstrapServers, logger: silentLogger, retryBackoffMs: 5 });
const record = { topic: "t", key: Uint8Array.of(1), value: null };
const ignore = (): void => undefined;
const readerOf = (topic: string): TopicReader =>
  new TopicReader(client, { topic, maxWaitMs: 3_600_000, onBatch: ignore });
const soon = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 30));

const scenarios: Record<string, () => Promise<void>> = {
  "nothing is done": async () => undefined,
  "a long poll is parked": async () => {
    const reader = readerOf("t");
    await reader.start();
    await soon();
    await reader.close();
    client.close();
  },
  "a reader is never closed, but its client is": async () => {
    await readerOf("t").start();
    await soon();
    client.close();
  },
  "a reader is starting": async () => {
    const starting = readerOf("slow").start().catch(ignore);
    await soon();
    client.close();
    await starting;
  },
  "a start has failed": async () => {
    await readerOf("missing").start({ timeoutMs: 50 }).catch(ignore);
    client.close();
  },
  "a record is never acknowledged": async () => {
    const producer = new Producer(client);
    const sent = producer.send(record).catch(ignore);
    await soon();
    await producer.close({ timeoutMs: 20 }).catch(ignore);
    await sent;
    client.close();
  },
  "a producer is never closed, but its client is": async () => {
    const sent = new Producer(client).send(record).catch(ignore);
    await soon();
    client.close();
    await sent;
  },
  "a record lingers": async () => {
    const producer = new Producer(client, { lingerMs: 3_600_000 });
    const sent = producer.send(record).catch(ignore);
    await soon();
    client.close();
    await sent;
  },
  "a connection is being opened": async () => {
    const waiting = client.topicMetadata("t").catch(ignore);
    client.close();
    await waiting;
  },
  "a connection is throttled": async () => {
    await client.topicMetadata("throttled");
    const waiting = client.topicMetadata("throttled").catch(ignore);
    await soon();
    client.close();
    await waiting;
  },
  "a session is to be renewed": async () => {
    const sasl = { mechanism: "SCRAM-SHA-256", username: "alice", password: "secret" } as const;
    const secured = new KafkaClient({ bootstrapServers, sasl, logger: silentLogger });
    await secured.topicMetadata("t");
    secured.close();
  },
  "a call was aborted": async () => {
    const caller = new AbortController();
    const waiting = client.topicMetadata("slow", { signal: caller.signal }).catch(ignore);
    await soon();
    caller.abort();
    await waiting;
    client.close();
  },
};

await scenarios[scenario]?.();
process.stdout.write("done");
