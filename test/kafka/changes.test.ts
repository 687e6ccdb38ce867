import { startKafka } from "../harness/kafka.ts";
import { changesSuite } from "../suites/changes-suite.ts";

changesSuite("Apache Kafka", () => startKafka({}));
