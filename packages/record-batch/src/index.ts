export { KafkaError, type KafkaErrorOptions } from "./errors.ts";
