import { examplesSuite } from "../suites/examples-suite.ts";
import { startBrokerUnderTest } from "./broker-under-test.ts";

examplesSuite("Apache Kafka", startBrokerUnderTest);
