export {
  type CompressionName,
  KafkaError,
  type KafkaErrorOptions,
  RecordBatch,
  RecordBatchError,
  type RecordHeader,
  RecordPosition,
} from "@ktables/record-batch";
export type { AbortSignalLike, CallOptions } from "./abort.ts";
export { type CreateTopicOptions, createPartitions, createTopic, deleteTopic } from "./admin.ts";
export type { BrokerAddress } from "./broker-address.ts";
export { KafkaClient } from "./client.ts";
export type { KafkaClientConfig } from "./config.ts";
export { deleteRecords } from "./delete-records.ts";
export {
  type ConnectEvent,
  type DiagnosticError,
  type DiagnosticEvents,
  diagnosticChannels,
  type FailureEvent,
  type FetchEvent,
  type MetadataEvent,
  type ProduceEvent,
  type RequestEvent,
  type RetryEvent,
  type ThrottleEvent,
} from "./diagnostics.ts";
export {
  AuthenticationError,
  type AuthenticationErrorCode,
  BrokerError,
  ClosedError,
  ConnectionError,
  type ConnectionErrorCode,
  InvalidOptionError,
  type PositionLostCode,
  PositionLostError,
  ProduceError,
  TimeoutError,
  UnsupportedApiError,
} from "./errors.ts";
export { consoleLogger, type Logger, silentLogger } from "./logger.ts";
export type { PartitionMetadata, TopicMetadata } from "./metadata.ts";
export { type IsolationLevel, type ListOffsetsOptions, listOffsets } from "./offsets.ts";
export { murmur2, partitionForKey } from "./partitioner.ts";
export { Producer } from "./producer.ts";
export type { RecordMetadata } from "./producer-batch.ts";
export type { ProducerOptions, ProducerRecord } from "./producer-options.ts";
export { TopicReader } from "./reader.ts";
export type { TopicReaderOptions } from "./reader-options.ts";
export type { SaslConfig, SaslMechanism, SaslPasswordConfig, SaslToken, SaslTokenConfig } from "./sasl-config.ts";
export type { TlsConfig } from "./tls-config.ts";
export { describeTopicConfigs, setTopicConfigs, type TopicConfigEntry } from "./topic-configs.ts";
export type { Connector, HostLookup, Transport, TransportEvents } from "./transport.ts";
