import { type KafkaCluster, startKafka } from "../harness/kafka.ts";

/** The broker of the shared suites: the newest, or the version that `KTABLES_KAFKA_VERSION` names. */
export async function startBrokerUnderTest(): Promise<KafkaCluster> {
  const version = process.env["KTABLES_KAFKA_VERSION"];
  return startKafka(version === undefined ? {} : { version });
}
