import { startKafka } from "../harness/kafka.ts";
import { tableSuite } from "../suites/table-suite.ts";

tableSuite("Apache Kafka", () => startKafka({}));
