export * from "@ktables/client/testing";
export { type TestRecordOptions, TestTopic, type TestTopicOptions } from "./testing/test-topic.ts";
