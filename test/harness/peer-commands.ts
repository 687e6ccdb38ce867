/** Bytes: `name` as text or `nameBase64`; neither, or null, is Kafka's null. */
export interface PeerHeader {
  key: string;
  value?: string | null;
  valueBase64?: string | null;
}

export interface PeerRecord {
  key?: string | null;
  keyBase64?: string | null;
  value?: string | null;
  valueBase64?: string | null;
  /** Default: what Java's default partitioner chooses. */
  partition?: number;
  /** Milliseconds since the epoch. Default: now. */
  timestamp?: number;
  headers?: PeerHeader[];
}

export interface ReadHeader {
  key: string;
  valueBase64: string | null;
}

export interface ReadRecord {
  partition: number;
  offset: number;
  timestamp: number;
  keyBase64: string | null;
  valueBase64: string | null;
  headers: ReadHeader[];
}

export type PeerCompression = "none" | "gzip" | "snappy" | "lz4" | "zstd";

interface Connected {
  bootstrapServers: string;
  /** Further properties of the Java client; they win over the command's own. */
  config?: Record<string, string>;
}

interface OnTopic extends Connected {
  topic: string;
}

/** By partition number. */
export type ByPartition = Record<string, number>;

export interface BatchToEncode {
  magic?: 0 | 1 | 2;
  compression?: PeerCompression;
  baseOffset?: number;
  /** Default: the offset of the last record. */
  lastOffset?: number;
  partitionLeaderEpoch?: number;
  timestampType?: "CreateTime" | "LogAppendTime";
  logAppendTime?: number;
  producerId?: number;
  producerEpoch?: number;
  baseSequence?: number;
  isTransactional?: boolean;
  isControl?: boolean;
  deleteHorizonMs?: number;
  /** An empty list makes the header-only batch that the log cleaner leaves. */
  records?: (Omit<PeerRecord, "partition"> & { offset?: number })[];
  /** Makes a control batch with this one marker instead of records. */
  marker?: "commit" | "abort";
  coordinatorEpoch?: number;
  /** Of a marker, or of an empty batch. */
  timestamp?: number;
}

export interface DecodedBatch {
  magic: number;
  sizeInBytes: number;
  baseOffset: number;
  lastOffset: number;
  nextOffset: number;
  partitionLeaderEpoch: number;
  crc: number;
  compression: PeerCompression;
  timestampType: "CreateTime" | "LogAppendTime" | "NoTimestampType";
  baseTimestamp?: number;
  maxTimestamp: number;
  producerId: number;
  producerEpoch: number;
  baseSequence: number;
  recordCount?: number;
  isTransactional: boolean;
  isControl: boolean;
  deleteHorizonMs?: number;
  records: (Omit<ReadRecord, "partition"> & { sequence: number; controlType?: string })[];
}

/** A field as the Java client's schema has it; names are snake_case. */
export interface SchemaField {
  name: string;
  /** INT32, COMPACT_STRING, ARRAY, COMPACT_ARRAY, STRUCT, TAGGED_FIELDS, … */
  type: string;
  nullable?: boolean;
  /** Present for tagged fields, which are listed before the section's own entry. */
  tag?: number;
  element?: Omit<SchemaField, "name">;
  fields?: SchemaField[];
}

/** Whose messages. */
export interface OfClient {
  /** The `kafka-clients` jar of an older release. Default: the peer's own. */
  clientJar?: string;
}

/** Command by command: its arguments and its result. See test/java-peer/README.md. */
export interface PeerCommands {
  createTopic: [
    OnTopic & {
      partitions?: number;
      replicationFactor?: number;
      /** Instead of the two numbers: the replicas of each partition, the preferred leader first. */
      assignments?: number[][];
      configs?: Record<string, string>;
    },
    { topicId: string },
  ];
  deleteTopic: [OnTopic, object];
  describeTopic: [
    OnTopic,
    {
      topicId: string;
      partitions: { partition: number; leader: number; replicas: number[]; inSyncReplicas: number[] }[];
    },
  ];
  describeCluster: [Connected, { clusterId: string; nodes: { id: number; host: string; port: number }[] }];
  describeConfigs: [
    Connected & ({ topic: string } | { broker: number }),
    Record<string, { value: string | null; source: string; isSensitive: boolean; isReadOnly: boolean }>,
  ];
  alterConfigs: [
    Connected & ({ topic: string } | { broker: number }) & { set?: Record<string, string>; delete?: string[] },
    object,
  ];
  createPartitions: [OnTopic & { total: number }, object];
  deleteRecords: [OnTopic & { beforeOffsets: ByPartition }, { startOffsets: ByPartition }];
  offsets: [OnTopic & { isolation?: "read_committed" | "read_uncommitted" }, { start: ByPartition; end: ByPartition }];
  moveLeader: [OnTopic & { partition?: number; replicas: number[] }, object];
  restrictTopic: [OnTopic & { principal: string }, object];
  fenceProducers: [Connected & { transactionalId: string }, object];
  produce: [
    OnTopic & { compression?: PeerCompression; records: PeerRecord[] },
    { partition: number; offset: number; timestamp: number }[],
  ];
  produceMany: [
    OnTopic & {
      count: number;
      keys: number;
      valueSize?: number;
      compressions?: PeerCompression[];
      tombstoneEvery?: number;
      keyPrefix?: string;
      seed?: number;
    },
    {
      records: number;
      tombstones: number;
      liveKeys: number;
      milliseconds: number;
      recordsPerPartition: ByPartition;
    },
  ];
  transaction: [
    OnTopic & {
      records: PeerRecord[];
      outcome: "commit" | "abort" | "open";
      transactionalId?: string;
      compression?: PeerCompression;
    },
    { transactionalId: string; records: { partition: number; offset: number; timestamp: number }[] },
  ];
  endTransaction: [{ transactionalId: string; outcome: "commit" | "abort" }, object];
  consume: [
    OnTopic & { isolation?: "read_committed" | "read_uncommitted" },
    { records: ReadRecord[]; positions: ByPartition },
  ];
  table: [
    OnTopic & { isolation?: "read_committed" | "read_uncommitted" },
    {
      /** Base64 of the key to base64 of its last value; keys whose last record is a tombstone are absent. */
      entries: Record<string, string>;
      positions: ByPartition;
      records: number;
      keyless: number;
      tombstones: number;
    },
  ];
  encodeMessage: [{ name: string; version: number; json: unknown } & OfClient, { base64: string }];
  decodeMessage: [{ name: string; version: number; base64: string } & OfClient, { json: unknown; remaining: number }];
  messageDefinition: [{ name: string } & OfClient, { text: string }];
  messageSchema: [
    { name: string; version?: number },
    { lowestVersion: number; highestVersion: number; fields: SchemaField[] },
  ];
  describeApi: [
    { name: string } & OfClient,
    {
      apiKey: number;
      lowestVersion: number;
      highestVersion: number;
      requestHeaderVersions: Record<string, number>;
      responseHeaderVersions: Record<string, number>;
    },
  ];
  errors: [object, { code: number; name: string; retriable: boolean; refreshMetadata: boolean }[]];
  encodeBatch: [BatchToEncode, { base64: string }];
  decodeBatch: [{ base64: string }, { batches: DecodedBatch[]; remaining: number }];
  partitionForKey: [{ key?: string; keyBase64?: string; partitions: number }, { partition: number }];
}
