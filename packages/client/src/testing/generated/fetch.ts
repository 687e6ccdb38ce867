// Generated from protocol-specs/fetch.spec: change that file and run protocol-specs/generate.ts.
import type { ServerApi } from "../../protocol/api.ts";
import { fieldNotInVersion, requireVersion } from "../../protocol/error.ts";
import type {
  FetchRequest,
  FetchRequestForgottenTopic,
  FetchRequestPartition,
  FetchRequestReplicaState,
  FetchRequestTopic,
  FetchResponse,
  FetchResponseAbortedTransaction,
  FetchResponseDivergingEpoch,
  FetchResponseLeader,
  FetchResponseNodeEndpoint,
  FetchResponsePartition,
  FetchResponseSnapshotId,
  FetchResponseTopic,
} from "../../protocol/generated/fetch.ts";
import type { ProtocolReader } from "../../protocol/reader.ts";
import type { ProtocolWriter } from "../../protocol/writer.ts";

function readFetchRequestPartition(reader: ProtocolReader, version: number): FetchRequestPartition {
  const flexible = version >= 12;
  const partition = reader.int32();
  const currentLeaderEpoch = version >= 9 ? reader.int32() : -1;
  const fetchOffset = reader.int64();
  const lastFetchedEpoch = version >= 12 ? reader.int32() : -1;
  const logStartOffset = version >= 5 ? reader.int64() : -1;
  const partitionMaxBytes = reader.int32();
  if (flexible) reader.skipTaggedFields();
  return {
    partition,
    currentLeaderEpoch,
    fetchOffset,
    lastFetchedEpoch,
    logStartOffset,
    partitionMaxBytes,
  };
}

function readFetchRequestTopic(reader: ProtocolReader, version: number): FetchRequestTopic {
  const flexible = version >= 12;
  const topic = version <= 12 ? reader.string(flexible) : "";
  const topicId = version >= 13 ? reader.uuid() : "AAAAAAAAAAAAAAAAAAAAAA";
  const partitionsLength = reader.arrayLength(flexible, 16);
  const partitions: FetchRequestPartition[] = [];
  for (let left = partitionsLength; left > 0; left--) {
    partitions.push(readFetchRequestPartition(reader, version));
  }
  if (flexible) reader.skipTaggedFields();
  return {
    topic,
    topicId,
    partitions,
  };
}

function readFetchRequestForgottenTopic(reader: ProtocolReader, version: number): FetchRequestForgottenTopic {
  const flexible = version >= 12;
  const topic = version <= 12 ? reader.string(flexible) : "";
  const topicId = version >= 13 ? reader.uuid() : "AAAAAAAAAAAAAAAAAAAAAA";
  const partitionsLength = reader.arrayLength(flexible, 4);
  const partitions: number[] = [];
  for (let left = partitionsLength; left > 0; left--) {
    partitions.push(reader.int32());
  }
  if (flexible) reader.skipTaggedFields();
  return {
    topic,
    topicId,
    partitions,
  };
}

function readFetchRequestReplicaState(reader: ProtocolReader): FetchRequestReplicaState {
  const replicaId = reader.int32();
  const replicaEpoch = reader.int64();
  reader.skipTaggedFields();
  return {
    replicaId,
    replicaEpoch,
  };
}

function readFetchRequest(reader: ProtocolReader, version: number): FetchRequest {
  requireVersion("FetchRequest", version, 4, 16);
  const flexible = version >= 12;
  const replicaId = version <= 14 ? reader.int32() : -1;
  const maxWaitMs = reader.int32();
  const minBytes = reader.int32();
  const maxBytes = reader.int32();
  const isolationLevel = reader.int8();
  const sessionId = version >= 7 ? reader.int32() : 0;
  const sessionEpoch = version >= 7 ? reader.int32() : -1;
  const topicsLength = reader.arrayLength(flexible, 3);
  const topics: FetchRequestTopic[] = [];
  for (let left = topicsLength; left > 0; left--) {
    topics.push(readFetchRequestTopic(reader, version));
  }
  const forgottenTopicsDataLength = version >= 7 ? reader.arrayLength(flexible, 3) : 0;
  const forgottenTopicsData: FetchRequestForgottenTopic[] = [];
  for (let left = forgottenTopicsDataLength; left > 0; left--) {
    forgottenTopicsData.push(readFetchRequestForgottenTopic(reader, version));
  }
  const rackId = version >= 11 ? reader.string(flexible) : "";
  let clusterId: FetchRequest["clusterId"];
  let replicaState: FetchRequest["replicaState"];
  if (flexible) {
    for (let left = reader.taggedFieldCount(); left > 0; left--) {
      const tag = reader.unsignedVarint();
      const end = reader.taggedFieldEnd();
      if (tag === 0) {
        clusterId = reader.nullableString(true);
      } else if (tag === 1 && version >= 15) {
        replicaState = readFetchRequestReplicaState(reader);
      } else {
        reader.skipTaggedField(end);
      }
      reader.finishTaggedField(end);
    }
  }
  return {
    clusterId,
    replicaId,
    replicaState,
    maxWaitMs,
    minBytes,
    maxBytes,
    isolationLevel,
    sessionId,
    sessionEpoch,
    topics,
    forgottenTopicsData,
    rackId,
  };
}

function writeFetchResponseAbortedTransaction(writer: ProtocolWriter, value: FetchResponseAbortedTransaction, version: number): void {
  const flexible = version >= 12;
  writer.int64(value.producerId);
  writer.int64(value.firstOffset);
  if (flexible) writer.unsignedVarint(0);
}

function writeFetchResponseDivergingEpoch(writer: ProtocolWriter, value: FetchResponseDivergingEpoch): void {
  writer.int32(value.epoch);
  writer.int64(value.endOffset);
  writer.unsignedVarint(0);
}

function writeFetchResponseLeader(writer: ProtocolWriter, value: FetchResponseLeader): void {
  writer.int32(value.leaderId);
  writer.int32(value.leaderEpoch);
  writer.unsignedVarint(0);
}

function writeFetchResponseSnapshotId(writer: ProtocolWriter, value: FetchResponseSnapshotId): void {
  writer.int64(value.endOffset);
  writer.int32(value.epoch);
  writer.unsignedVarint(0);
}

function writeFetchResponsePartition(writer: ProtocolWriter, value: FetchResponsePartition, version: number): void {
  const flexible = version >= 12;
  writer.int32(value.partitionIndex);
  writer.int16(value.errorCode);
  writer.int64(value.highWatermark);
  writer.int64(value.lastStableOffset);
  if (version >= 5) {
    writer.int64(value.logStartOffset);
  }
  if (value.abortedTransactions === null) {
    writer.nullArray(flexible);
  } else {
    writer.arrayLength(value.abortedTransactions.length, flexible);
    for (const element of value.abortedTransactions) {
      writeFetchResponseAbortedTransaction(writer, element, version);
    }
  }
  if (version >= 11) {
    writer.int32(value.preferredReadReplica);
  } else if (value.preferredReadReplica !== -1) {
    throw fieldNotInVersion("FetchResponsePartition.preferredReadReplica", version);
  }
  writer.nullableBytes(value.records, flexible);
  if (version < 12 && value.divergingEpoch !== undefined && (value.divergingEpoch.epoch !== -1 || value.divergingEpoch.endOffset !== -1)) {
    throw fieldNotInVersion("FetchResponsePartition.divergingEpoch", version);
  }
  if (version < 12 && value.currentLeader !== undefined && (value.currentLeader.leaderId !== -1 || value.currentLeader.leaderEpoch !== -1)) {
    throw fieldNotInVersion("FetchResponsePartition.currentLeader", version);
  }
  if (version < 12 && value.snapshotId !== undefined && (value.snapshotId.endOffset !== -1 || value.snapshotId.epoch !== -1)) {
    throw fieldNotInVersion("FetchResponsePartition.snapshotId", version);
  }
  if (flexible) {
    const hasDivergingEpoch = value.divergingEpoch !== undefined && (value.divergingEpoch.epoch !== -1 || value.divergingEpoch.endOffset !== -1);
    const hasCurrentLeader = value.currentLeader !== undefined && (value.currentLeader.leaderId !== -1 || value.currentLeader.leaderEpoch !== -1);
    const hasSnapshotId = value.snapshotId !== undefined && (value.snapshotId.endOffset !== -1 || value.snapshotId.epoch !== -1);
    writer.unsignedVarint(Number(hasDivergingEpoch) + Number(hasCurrentLeader) + Number(hasSnapshotId));
    if (hasDivergingEpoch) {
      const start = writer.beginTaggedField(0);
      writeFetchResponseDivergingEpoch(writer, value.divergingEpoch);
      writer.endTaggedField(start);
    }
    if (hasCurrentLeader) {
      const start = writer.beginTaggedField(1);
      writeFetchResponseLeader(writer, value.currentLeader);
      writer.endTaggedField(start);
    }
    if (hasSnapshotId) {
      const start = writer.beginTaggedField(2);
      writeFetchResponseSnapshotId(writer, value.snapshotId);
      writer.endTaggedField(start);
    }
  }
}

function writeFetchResponseTopic(writer: ProtocolWriter, value: FetchResponseTopic, version: number): void {
  const flexible = version >= 12;
  if (version <= 12) {
    writer.string(value.topic, flexible);
  }
  if (version >= 13) {
    writer.uuid(value.topicId);
  }
  writer.arrayLength(value.partitions.length, flexible);
  for (const element of value.partitions) {
    writeFetchResponsePartition(writer, element, version);
  }
  if (flexible) writer.unsignedVarint(0);
}

function writeFetchResponseNodeEndpoint(writer: ProtocolWriter, value: FetchResponseNodeEndpoint): void {
  writer.int32(value.nodeId);
  writer.string(value.host, true);
  writer.int32(value.port);
  writer.nullableString(value.rack, true);
  writer.unsignedVarint(0);
}

function writeFetchResponse(writer: ProtocolWriter, value: FetchResponse, version: number): void {
  requireVersion("FetchResponse", version, 4, 16);
  const flexible = version >= 12;
  writer.int32(value.throttleTimeMs);
  if (version >= 7) {
    writer.int16(value.errorCode);
  }
  if (version >= 7) {
    writer.int32(value.sessionId);
  } else if (value.sessionId !== 0) {
    throw fieldNotInVersion("FetchResponse.sessionId", version);
  }
  writer.arrayLength(value.responses.length, flexible);
  for (const element of value.responses) {
    writeFetchResponseTopic(writer, element, version);
  }
  if (version < 16 && value.nodeEndpoints !== undefined && value.nodeEndpoints.length > 0) {
    throw fieldNotInVersion("FetchResponse.nodeEndpoints", version);
  }
  if (flexible) {
    const hasNodeEndpoints = version >= 16 && value.nodeEndpoints !== undefined && value.nodeEndpoints.length > 0;
    writer.unsignedVarint(Number(hasNodeEndpoints));
    if (hasNodeEndpoints) {
      const start = writer.beginTaggedField(0);
      writer.arrayLength(value.nodeEndpoints.length, true);
      for (const element of value.nodeEndpoints) {
        writeFetchResponseNodeEndpoint(writer, element);
      }
      writer.endTaggedField(start);
    }
  }
}

export const fetchServer: ServerApi<FetchRequest, FetchResponse> = {
  key: 1,
  name: "Fetch",
  minVersion: 4,
  maxVersion: 16,
  flexibleFrom: 12,
  decodeRequest: readFetchRequest,
  encodeResponse: writeFetchResponse,
};
