export type { ApiName, EmbeddedApis, RequestOf, ResponseOf } from "./apis.ts";
export type { BrokerLine } from "./broker-lines.ts";
export { EmbeddedBroker, type WrittenTransaction } from "./embedded-broker.ts";
export type { EmbeddedBrokerOptions, EmbeddedTopic } from "./embedded-broker-options.ts";
export type {
  InterceptAnswer,
  InterceptContext,
  InterceptHandler,
  InterceptOptions,
} from "./interceptors.ts";
export type { LoggedRequest } from "./request-log.ts";
export type { EmbeddedSasl } from "./sasl-server.ts";
