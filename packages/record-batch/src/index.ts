export { type AbortedTransaction, AbortedTransactions } from "./aborted-transactions.ts";
export { BatchBuilder, type BatchFields, type RecordInput } from "./batch-builder.ts";
export { type BatchesEnd, endOfBatches } from "./batches-end.ts";
export type { CompressionName } from "./compression/index.ts";
export { type ControlBatchOptions, encodeControlBatch } from "./control-batch.ts";
export { crc32c } from "./crc32c.ts";
export { type EncodeBatchOptions, encodeBatch } from "./encode.ts";
export {
  KafkaError,
  type KafkaErrorOptions,
  RecordBatchError,
  type RecordBatchErrorCode,
  type RecordBatchErrorOptions,
} from "./errors.ts";
export { type PlacementFields, type ProducerFields, patchPlacement, patchProducer } from "./patch.ts";
export { type DecodeOptions, nextBatch, RecordBatch, readBatches } from "./record-batch.ts";
export { type RecordHeader, RecordPosition } from "./record-position.ts";
