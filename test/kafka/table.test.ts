import { startKafka } from "../harness/kafka.ts";
import { adminSuite } from "../suites/admin-suite.ts";
import { tableSuite } from "../suites/table-suite.ts";
import { startBrokerUnderTest } from "./broker-under-test.ts";

tableSuite("Apache Kafka", startBrokerUnderTest);
adminSuite("Apache Kafka", startBrokerUnderTest);

// The oldest that has record batches; one of each further set of features; the last with ZooKeeper; the last of Kafka 3;
// the first that has dropped old versions of the APIs. A cluster that somebody else has started has one version only.
const lines = ["0.11.0.3", "1.1.1", "2.0.1", "2.8.2", "3.9.2", "4.0.2"];
const { KTABLES_LAUNCHER, KAFKA_BOOTSTRAP_SERVERS, KTABLES_STORE } = process.env;
// What a broker can and cannot do is the same for every store.
if (KTABLES_LAUNCHER === undefined && KAFKA_BOOTSTRAP_SERVERS === undefined && KTABLES_STORE === undefined) {
  for (const version of lines) {
    tableSuite(`Apache Kafka ${version}`, () => startKafka({ version }));
    adminSuite(`Apache Kafka ${version}`, () => startKafka({ version }));
  }
}
