import { startKafka } from "../harness/kafka.ts";
import { tableSuite } from "../suites/table-suite.ts";
import { startBrokerUnderTest } from "./broker-under-test.ts";

tableSuite("Apache Kafka", startBrokerUnderTest);

// One of the oldest lines and the last before KRaft: no incremental configs, no topic ids, old versions of every API.
// A cluster that somebody else has started has one version only.
if (process.env["KTABLES_LAUNCHER"] === undefined && process.env["KAFKA_BOOTSTRAP_SERVERS"] === undefined) {
  for (const version of ["2.8.2", "1.1.1"]) tableSuite(`Apache Kafka ${version}`, () => startKafka({ version }));
}
