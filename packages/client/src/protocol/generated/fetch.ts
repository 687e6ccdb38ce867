// Generated from protocol-specs/fetch.spec: change that file and run protocol-specs/generate.ts.
import type { Api } from "../api.ts";
import { fieldNotInVersion, requireVersion } from "../error.ts";
import type { ProtocolReader } from "../reader.ts";
import type { ProtocolWriter } from "../writer.ts";

export interface FetchRequest {
  /** Used between brokers. From version 12 on, absent means null. */
  readonly clusterId?: string | null | undefined;
  /** -1 for a consumer. Up to version 14, otherwise -1. */
  readonly replicaId: number;
  /** Used between brokers; a consumer leaves it out. From version 15 on, absent means all defaults. */
  readonly replicaState?: FetchRequestReplicaState | undefined;
  /** How long the broker may hold the request back while fewer than minBytes are there, in milliseconds. */
  readonly maxWaitMs: number;
  /** The broker answers as soon as it has this many bytes. */
  readonly minBytes: number;
  /** Limit of the whole response; the first batch is returned even if it is larger (KIP-74). */
  readonly maxBytes: number;
  /** 0 reads everything; 1 stops at the last stable offset and lists aborted transactions. */
  readonly isolationLevel: number;
  /** 0 without a session. From version 7 on, otherwise 0. */
  readonly sessionId: number;
  /** -1 for a full fetch without a session. From version 7 on, otherwise -1. */
  readonly sessionEpoch: number;
  readonly topics: readonly FetchRequestTopic[];
  /** What to drop from the session. From version 7 on, otherwise empty. */
  readonly forgottenTopicsData: readonly FetchRequestForgottenTopic[];
  /**
   * Where the consumer is, so that the broker can name a closer replica; empty if unknown. From version 11 on,
   * otherwise "".
   */
  readonly rackId: string;
}

export interface FetchRequestReplicaState {
  readonly replicaId: number;
  readonly replicaEpoch: number;
}

export interface FetchRequestTopic {
  /** Up to version 12, otherwise "". */
  readonly topic: string;
  /** From version 13 on, otherwise the zero id. */
  readonly topicId: string;
  readonly partitions: readonly FetchRequestPartition[];
}

export interface FetchRequestPartition {
  readonly partition: number;
  /**
   * Lets the broker refuse a client with stale metadata; -1 switches the check off. From version 9 on, otherwise
   * -1.
   */
  readonly currentLeaderEpoch: number;
  /** The first offset wanted. */
  readonly fetchOffset: number;
  /**
   * Leader epoch of the last record read, to detect a truncated log; -1 if there is none. From version 12 on,
   * otherwise -1.
   */
  readonly lastFetchedEpoch: number;
  /** Used between brokers; -1 for a consumer. From version 5 on, otherwise -1. */
  readonly logStartOffset: number;
  /** Limit for this partition; the first batch is returned even if it is larger (KIP-74). */
  readonly partitionMaxBytes: number;
}

export interface FetchRequestForgottenTopic {
  /** Up to version 12, otherwise "". */
  readonly topic: string;
  /** From version 13 on, otherwise the zero id. */
  readonly topicId: string;
  readonly partitions: readonly number[];
}

export interface FetchResponse {
  /** How long the client should stay silent, in milliseconds. */
  readonly throttleTimeMs: number;
  /** From version 7 on, otherwise 0. */
  readonly errorCode: number;
  /** 0 without a session. From version 7 on, otherwise 0. */
  readonly sessionId: number;
  readonly responses: readonly FetchResponseTopic[];
  /** Addresses of the leaders named above (KIP-951). From version 16 on, absent means empty. */
  readonly nodeEndpoints?: readonly FetchResponseNodeEndpoint[] | undefined;
}

export interface FetchResponseTopic {
  /** Up to version 12, otherwise "". */
  readonly topic: string;
  /** From version 13 on, otherwise the zero id. */
  readonly topicId: string;
  readonly partitions: readonly FetchResponsePartition[];
}

export interface FetchResponsePartition {
  readonly partitionIndex: number;
  readonly errorCode: number;
  /** Records below this offset are replicated and may be read. */
  readonly highWatermark: number;
  /** Below this offset every transaction is decided; -1 if unknown. */
  readonly lastStableOffset: number;
  /** The first offset that still exists; -1 if unknown. From version 5 on, otherwise -1. */
  readonly logStartOffset: number;
  /**
   * Where the log of this client and the leader's parted (KIP-595). From version 12 on, absent means all defaults.
   */
  readonly divergingEpoch?: FetchResponseDivergingEpoch | undefined;
  /** Who leads now, if this broker does not. From version 12 on, absent means all defaults. */
  readonly currentLeader?: FetchResponseLeader | undefined;
  /** Used between controllers. From version 12 on, absent means all defaults. */
  readonly snapshotId?: FetchResponseSnapshotId | undefined;
  /** Null unless isolation level 1 was asked for. */
  readonly abortedTransactions: readonly FetchResponseAbortedTransaction[] | null;
  /** The broker to fetch from instead; -1 to stay. From version 11 on, otherwise -1. */
  readonly preferredReadReplica: number;
  /** Whole record batches, except that the last may be cut off. */
  readonly records: Uint8Array | null;
}

export interface FetchResponseDivergingEpoch {
  readonly epoch: number;
  readonly endOffset: number;
}

export interface FetchResponseLeader {
  readonly leaderId: number;
  readonly leaderEpoch: number;
}

export interface FetchResponseSnapshotId {
  readonly endOffset: number;
  readonly epoch: number;
}

export interface FetchResponseAbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
}

export interface FetchResponseNodeEndpoint {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
}

function writeFetchRequestPartition(writer: ProtocolWriter, value: FetchRequestPartition, version: number): void {
  const flexible = version >= 12;
  writer.int32(value.partition);
  if (version >= 9) {
    writer.int32(value.currentLeaderEpoch);
  }
  writer.int64(value.fetchOffset);
  if (version >= 12) {
    writer.int32(value.lastFetchedEpoch);
  } else if (value.lastFetchedEpoch !== -1) {
    throw fieldNotInVersion("FetchRequestPartition.lastFetchedEpoch", version);
  }
  if (version >= 5) {
    writer.int64(value.logStartOffset);
  }
  writer.int32(value.partitionMaxBytes);
  if (flexible) writer.unsignedVarint(0);
}

function writeFetchRequestTopic(writer: ProtocolWriter, value: FetchRequestTopic, version: number): void {
  const flexible = version >= 12;
  if (version <= 12) {
    writer.string(value.topic, flexible);
  }
  if (version >= 13) {
    writer.uuid(value.topicId);
  }
  writer.arrayLength(value.partitions.length, flexible);
  for (const element of value.partitions) {
    writeFetchRequestPartition(writer, element, version);
  }
  if (flexible) writer.unsignedVarint(0);
}

function writeFetchRequestForgottenTopic(writer: ProtocolWriter, value: FetchRequestForgottenTopic, version: number): void {
  const flexible = version >= 12;
  if (version <= 12) {
    writer.string(value.topic, flexible);
  }
  if (version >= 13) {
    writer.uuid(value.topicId);
  }
  writer.arrayLength(value.partitions.length, flexible);
  for (const element of value.partitions) {
    writer.int32(element);
  }
  if (flexible) writer.unsignedVarint(0);
}

function writeFetchRequestReplicaState(writer: ProtocolWriter, value: FetchRequestReplicaState): void {
  writer.int32(value.replicaId);
  writer.int64(value.replicaEpoch);
  writer.unsignedVarint(0);
}

function writeFetchRequest(writer: ProtocolWriter, value: FetchRequest, version: number): void {
  requireVersion("FetchRequest", version, 4, 16);
  const flexible = version >= 12;
  if (version <= 14) {
    writer.int32(value.replicaId);
  } else if (value.replicaId !== -1) {
    throw fieldNotInVersion("FetchRequest.replicaId", version);
  }
  writer.int32(value.maxWaitMs);
  writer.int32(value.minBytes);
  writer.int32(value.maxBytes);
  writer.int8(value.isolationLevel);
  if (version >= 7) {
    writer.int32(value.sessionId);
  }
  if (version >= 7) {
    writer.int32(value.sessionEpoch);
  }
  writer.arrayLength(value.topics.length, flexible);
  for (const element of value.topics) {
    writeFetchRequestTopic(writer, element, version);
  }
  if (version >= 7) {
    writer.arrayLength(value.forgottenTopicsData.length, flexible);
    for (const element of value.forgottenTopicsData) {
      writeFetchRequestForgottenTopic(writer, element, version);
    }
  } else if (value.forgottenTopicsData.length > 0) {
    throw fieldNotInVersion("FetchRequest.forgottenTopicsData", version);
  }
  if (version >= 11) {
    writer.string(value.rackId, flexible);
  }
  if (version < 15 && value.replicaState !== undefined && (value.replicaState.replicaId !== -1 || value.replicaState.replicaEpoch !== -1)) {
    throw fieldNotInVersion("FetchRequest.replicaState", version);
  }
  if (flexible) {
    const hasClusterId = value.clusterId !== undefined && value.clusterId !== null;
    const hasReplicaState = version >= 15 && value.replicaState !== undefined && (value.replicaState.replicaId !== -1 || value.replicaState.replicaEpoch !== -1);
    writer.unsignedVarint(Number(hasClusterId) + Number(hasReplicaState));
    if (hasClusterId) {
      const start = writer.beginTaggedField(0);
      writer.nullableString(value.clusterId, true);
      writer.endTaggedField(start);
    }
    if (hasReplicaState) {
      const start = writer.beginTaggedField(1);
      writeFetchRequestReplicaState(writer, value.replicaState);
      writer.endTaggedField(start);
    }
  }
}

function readFetchResponseAbortedTransaction(reader: ProtocolReader, version: number): FetchResponseAbortedTransaction {
  const flexible = version >= 12;
  const producerId = reader.int64();
  const firstOffset = reader.int64();
  if (flexible) reader.skipTaggedFields();
  return {
    producerId,
    firstOffset,
  };
}

function readFetchResponseDivergingEpoch(reader: ProtocolReader): FetchResponseDivergingEpoch {
  const epoch = reader.int32();
  const endOffset = reader.int64();
  reader.skipTaggedFields();
  return {
    epoch,
    endOffset,
  };
}

function readFetchResponseLeader(reader: ProtocolReader): FetchResponseLeader {
  const leaderId = reader.int32();
  const leaderEpoch = reader.int32();
  reader.skipTaggedFields();
  return {
    leaderId,
    leaderEpoch,
  };
}

function readFetchResponseSnapshotId(reader: ProtocolReader): FetchResponseSnapshotId {
  const endOffset = reader.int64();
  const epoch = reader.int32();
  reader.skipTaggedFields();
  return {
    endOffset,
    epoch,
  };
}

function readFetchResponsePartition(reader: ProtocolReader, version: number): FetchResponsePartition {
  const flexible = version >= 12;
  const partitionIndex = reader.int32();
  const errorCode = reader.int16();
  const highWatermark = reader.int64();
  const lastStableOffset = reader.int64();
  const logStartOffset = version >= 5 ? reader.int64() : -1;
  const abortedTransactionsLength = reader.nullableArrayLength(flexible, 16);
  const abortedTransactions: FetchResponseAbortedTransaction[] | null = abortedTransactionsLength < 0 ? null : [];
  for (let left = abortedTransactionsLength; left > 0; left--) {
    abortedTransactions?.push(readFetchResponseAbortedTransaction(reader, version));
  }
  const preferredReadReplica = version >= 11 ? reader.int32() : -1;
  const records = reader.nullableBytes(flexible);
  let divergingEpoch: FetchResponsePartition["divergingEpoch"];
  let currentLeader: FetchResponsePartition["currentLeader"];
  let snapshotId: FetchResponsePartition["snapshotId"];
  if (flexible) {
    for (let left = reader.taggedFieldCount(); left > 0; left--) {
      const tag = reader.unsignedVarint();
      const end = reader.taggedFieldEnd();
      if (tag === 0) {
        divergingEpoch = readFetchResponseDivergingEpoch(reader);
      } else if (tag === 1) {
        currentLeader = readFetchResponseLeader(reader);
      } else if (tag === 2) {
        snapshotId = readFetchResponseSnapshotId(reader);
      } else {
        reader.skipTaggedField(end);
      }
      reader.finishTaggedField(end);
    }
  }
  return {
    partitionIndex,
    errorCode,
    highWatermark,
    lastStableOffset,
    logStartOffset,
    divergingEpoch,
    currentLeader,
    snapshotId,
    abortedTransactions,
    preferredReadReplica,
    records,
  };
}

function readFetchResponseTopic(reader: ProtocolReader, version: number): FetchResponseTopic {
  const flexible = version >= 12;
  const topic = version <= 12 ? reader.string(flexible) : "";
  const topicId = version >= 13 ? reader.uuid() : "AAAAAAAAAAAAAAAAAAAAAA";
  const partitionsLength = reader.arrayLength(flexible, 30);
  const partitions: FetchResponsePartition[] = [];
  for (let left = partitionsLength; left > 0; left--) {
    partitions.push(readFetchResponsePartition(reader, version));
  }
  if (flexible) reader.skipTaggedFields();
  return {
    topic,
    topicId,
    partitions,
  };
}

function readFetchResponseNodeEndpoint(reader: ProtocolReader): FetchResponseNodeEndpoint {
  const nodeId = reader.int32();
  const host = reader.string(true);
  const port = reader.int32();
  const rack = reader.nullableString(true);
  reader.skipTaggedFields();
  return {
    nodeId,
    host,
    port,
    rack,
  };
}

function readFetchResponse(reader: ProtocolReader, version: number): FetchResponse {
  requireVersion("FetchResponse", version, 4, 16);
  const flexible = version >= 12;
  const throttleTimeMs = reader.int32();
  const errorCode = version >= 7 ? reader.int16() : 0;
  const sessionId = version >= 7 ? reader.int32() : 0;
  const responsesLength = reader.arrayLength(flexible, 3);
  const responses: FetchResponseTopic[] = [];
  for (let left = responsesLength; left > 0; left--) {
    responses.push(readFetchResponseTopic(reader, version));
  }
  let nodeEndpoints: FetchResponse["nodeEndpoints"];
  if (flexible) {
    for (let left = reader.taggedFieldCount(); left > 0; left--) {
      const tag = reader.unsignedVarint();
      const end = reader.taggedFieldEnd();
      if (tag === 0 && version >= 16) {
        const elements: FetchResponseNodeEndpoint[] = [];
        for (let rest = reader.arrayLength(true, 11); rest > 0; rest--) {
          elements.push(readFetchResponseNodeEndpoint(reader));
        }
        nodeEndpoints = elements;
      } else {
        reader.skipTaggedField(end);
      }
      reader.finishTaggedField(end);
    }
  }
  return {
    throttleTimeMs,
    errorCode,
    sessionId,
    responses,
    nodeEndpoints,
  };
}

export const fetchApi: Api<FetchRequest, FetchResponse> = {
  key: 1,
  name: "Fetch",
  versions: [4, 10, 11, 12, 13, 16],
  flexibleFrom: 12,
  encodeRequest: writeFetchRequest,
  decodeResponse: readFetchResponse,
};
