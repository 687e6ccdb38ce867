/* Compiled with no @types/node, no DOM library and no skipLibCheck: what a plain consumer of the package sees. */
import { json, KafkaTable, KafkaTableWriter, type WriteToken } from "ktables";
import { KafkaClient, TopicReader } from "ktables/client";
import { RecordBatch } from "ktables/record-batch";
import { EmbeddedBroker, TestTopic } from "ktables/testing";

interface Service {
  readonly url: string;
}

export async function use(): Promise<string | undefined> {
  const topic = { connection: new KafkaClient("localhost:9092"), topic: "services", value: json<Service>() };
  const writer = await KafkaTableWriter.open(topic);
  const token: WriteToken = await writer.set("billing", { url: "http://10.0.0.7:8080" });
  const table = await KafkaTable.open(topic);
  const services: ReadonlyMap<string, Service> = table;
  await table[Symbol.asyncDispose]();
  await writer[Symbol.asyncDispose]();
  return (
    services.get("billing")?.url ?? `${token.topic} ${TopicReader.name} ${RecordBatch.name} ${EmbeddedBroker.name}`
  );
}

export async function useInTest(): Promise<WriteToken> {
  const topic: TestTopic<Service> = await TestTopic.create({ value: json<Service>() });
  await topic[Symbol.asyncDispose]();
  return topic.publish("billing", { url: topic.connection });
}

// @ts-expect-error the value must be a Service
void ((writer: KafkaTableWriter<Service>) => writer.set("billing", { url: 5 }));
