import { groupedSuite } from "../suites/grouped-suite.ts";
import { startBrokerUnderTest } from "./broker-under-test.ts";

groupedSuite("Apache Kafka", startBrokerUnderTest);
