import { tableSuite } from "../suites/table-suite.ts";
import { startBrokerUnderTest } from "./broker-under-test.ts";

tableSuite("Apache Kafka", startBrokerUnderTest);
