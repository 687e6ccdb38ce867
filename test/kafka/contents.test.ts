import { contentsSuite } from "../suites/contents-suite.ts";
import { startBrokerUnderTest } from "./broker-under-test.ts";

contentsSuite("Apache Kafka", startBrokerUnderTest);
