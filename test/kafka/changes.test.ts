import { changesSuite } from "../suites/changes-suite.ts";
import { startBrokerUnderTest } from "./broker-under-test.ts";

changesSuite("Apache Kafka", startBrokerUnderTest);
