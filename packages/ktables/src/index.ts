export {
  type AbortSignalLike,
  AuthenticationError,
  type AuthenticationErrorCode,
  type BrokerAddress,
  BrokerError,
  type CallOptions,
  ClosedError,
  type CompressionName,
  ConnectionError,
  type Connector,
  consoleLogger,
  InvalidOptionError,
  type IsolationLevel,
  KafkaClient,
  type KafkaClientConfig,
  KafkaError,
  type Logger,
  type PositionLostCode,
  PositionLostError,
  ProduceError,
  RecordBatchError,
  type SaslConfig,
  type SaslMechanism,
  type SaslPasswordConfig,
  type SaslToken,
  type SaslTokenConfig,
  silentLogger,
  TimeoutError,
  type TlsConfig,
  type Transport,
  type TransportEvents,
  UnsupportedApiError,
} from "@ktables/client";
export type { RecordHeader } from "@ktables/record-batch";
export type { BulkWrite, Entries } from "./bulk-write.ts";
export {
  type CaughtUpChange,
  type Change,
  ChangeFeed,
  type ChangesOptions,
  type DeleteChange,
  type ResyncChange,
  type SetChange,
} from "./change-feed.ts";
export { bytes, type Codec, string } from "./codec.ts";
export type { ConnectionOption } from "./connection-handle.ts";
export {
  type EnsureTopicOptions,
  type EnsureTopicOutcome,
  type EnsureTopicResult,
  ensureTopic,
} from "./ensure-topic.ts";
export {
  AlreadyStartedError,
  AsyncSchemaError,
  type BulkFailure,
  BulkWriteError,
  ChangesOverflowError,
  CodecError,
  NotStartedError,
  PoisonedRecordError,
  StoppedError,
  TableFailedError,
  TableFullError,
  TopicConfigMismatchError,
  TopicConfigUnreadableError,
} from "./errors.ts";
export { type CompositeKeyCodec, DEFAULT_KEY_CODEC, LengthPrefixedKeyCodec } from "./grouped/composite-key.ts";
export {
  type GroupedChange,
  GroupedChangeFeed,
  type GroupedChangesOptions,
  type GroupedDeleteChange,
  type GroupedSetChange,
} from "./grouped/grouped-changes.ts";
export type {
  GroupedPoisonPolicy,
  GroupedPoisonRecord,
  GroupedTableEntry,
  PoisonedMember,
} from "./grouped/grouped-records.ts";
export { GroupedKafkaTable, type GroupedKafkaTableOptions } from "./grouped/grouped-table.ts";
export { GroupedKafkaTableWriter, type GroupedKafkaTableWriterOptions } from "./grouped/grouped-writer.ts";
export type { CatchUpProgress, PartitionHealth, TableHealth } from "./health.ts";
export { json } from "./json.ts";
export type { ScanOptions } from "./sorted-keys.ts";
export type { SchemaIssue, SchemaResult, StandardSchema } from "./standard-schema.ts";
export type {
  PoisonAction,
  PoisonDecision,
  PoisonedKey,
  PoisonPolicy,
  PoisonRecord,
  PoisonServing,
} from "./store/poison.ts";
export { KafkaTable } from "./table.ts";
export type { TableEntry } from "./table-contents.ts";
export type { KafkaTableOptions } from "./table-options.ts";
export {
  DEFAULT_TOPIC_CONFIGS,
  type PolicyMismatchAction,
  type TopicOptions,
  type TopicProvision,
} from "./topic-options.ts";
export type { TableStatus, ViewStats } from "./view-stats.ts";
export type { WriteToken } from "./write-token.ts";
export { KafkaTableWriter, type KafkaTableWriterOptions, type WriteOptions } from "./writer.ts";
