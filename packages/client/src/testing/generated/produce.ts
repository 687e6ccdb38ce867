// Generated from protocol-specs/produce.spec: change that file and run protocol-specs/generate.ts.
import type { ServerApi } from "../../protocol/api.ts";
import { fieldNotInVersion, requireVersion } from "../../protocol/error.ts";
import type {
  ProduceRequest,
  ProduceRequestPartition,
  ProduceRequestTopic,
  ProduceResponse,
  ProduceResponseLeader,
  ProduceResponseNodeEndpoint,
  ProduceResponsePartition,
  ProduceResponseRecordError,
  ProduceResponseTopic,
} from "../../protocol/generated/produce.ts";
import type { ProtocolReader } from "../../protocol/reader.ts";
import type { ProtocolWriter } from "../../protocol/writer.ts";

function readProduceRequestPartition(reader: ProtocolReader, version: number): ProduceRequestPartition {
  const flexible = version >= 9;
  const index = reader.int32();
  const records = reader.nullableBytes(flexible);
  if (flexible) reader.skipTaggedFields();
  return {
    index,
    records,
  };
}

function readProduceRequestTopic(reader: ProtocolReader, version: number): ProduceRequestTopic {
  const flexible = version >= 9;
  const name = version <= 12 ? reader.string(flexible) : "";
  const topicId = version >= 13 ? reader.uuid() : "AAAAAAAAAAAAAAAAAAAAAA";
  const partitionDataLength = reader.arrayLength(flexible, 6);
  const partitionData: ProduceRequestPartition[] = [];
  for (let left = partitionDataLength; left > 0; left--) {
    partitionData.push(readProduceRequestPartition(reader, version));
  }
  if (flexible) reader.skipTaggedFields();
  return {
    name,
    topicId,
    partitionData,
  };
}

function readProduceRequest(reader: ProtocolReader, version: number): ProduceRequest {
  requireVersion("ProduceRequest", version, 3, 13);
  const flexible = version >= 9;
  const transactionalId = reader.nullableString(flexible);
  const acks = reader.int16();
  const timeoutMs = reader.int32();
  const topicDataLength = reader.arrayLength(flexible, 3);
  const topicData: ProduceRequestTopic[] = [];
  for (let left = topicDataLength; left > 0; left--) {
    topicData.push(readProduceRequestTopic(reader, version));
  }
  if (flexible) reader.skipTaggedFields();
  return {
    transactionalId,
    acks,
    timeoutMs,
    topicData,
  };
}

function writeProduceResponseRecordError(writer: ProtocolWriter, value: ProduceResponseRecordError, version: number): void {
  const flexible = version >= 9;
  writer.int32(value.batchIndex);
  writer.nullableString(value.batchIndexErrorMessage, flexible);
  if (flexible) writer.unsignedVarint(0);
}

function writeProduceResponseLeader(writer: ProtocolWriter, value: ProduceResponseLeader): void {
  writer.int32(value.leaderId);
  writer.int32(value.leaderEpoch);
  writer.unsignedVarint(0);
}

function writeProduceResponsePartition(writer: ProtocolWriter, value: ProduceResponsePartition, version: number): void {
  const flexible = version >= 9;
  writer.int32(value.index);
  writer.int16(value.errorCode);
  writer.int64(value.baseOffset);
  writer.int64(value.logAppendTimeMs);
  if (version >= 5) {
    writer.int64(value.logStartOffset);
  }
  if (version >= 8) {
    writer.arrayLength(value.recordErrors.length, flexible);
    for (const element of value.recordErrors) {
      writeProduceResponseRecordError(writer, element, version);
    }
  }
  if (version >= 8) {
    writer.nullableString(value.errorMessage, flexible);
  }
  if (version < 10 && value.currentLeader !== undefined && (value.currentLeader.leaderId !== -1 || value.currentLeader.leaderEpoch !== -1)) {
    throw fieldNotInVersion("ProduceResponsePartition.currentLeader", version);
  }
  if (flexible) {
    const hasCurrentLeader = version >= 10 && value.currentLeader !== undefined && (value.currentLeader.leaderId !== -1 || value.currentLeader.leaderEpoch !== -1);
    writer.unsignedVarint(Number(hasCurrentLeader));
    if (hasCurrentLeader) {
      const start = writer.beginTaggedField(0);
      writeProduceResponseLeader(writer, value.currentLeader);
      writer.endTaggedField(start);
    }
  }
}

function writeProduceResponseTopic(writer: ProtocolWriter, value: ProduceResponseTopic, version: number): void {
  const flexible = version >= 9;
  if (version <= 12) {
    writer.string(value.name, flexible);
  }
  if (version >= 13) {
    writer.uuid(value.topicId);
  }
  writer.arrayLength(value.partitionResponses.length, flexible);
  for (const element of value.partitionResponses) {
    writeProduceResponsePartition(writer, element, version);
  }
  if (flexible) writer.unsignedVarint(0);
}

function writeProduceResponseNodeEndpoint(writer: ProtocolWriter, value: ProduceResponseNodeEndpoint): void {
  writer.int32(value.nodeId);
  writer.string(value.host, true);
  writer.int32(value.port);
  writer.nullableString(value.rack, true);
  writer.unsignedVarint(0);
}

function writeProduceResponse(writer: ProtocolWriter, value: ProduceResponse, version: number): void {
  requireVersion("ProduceResponse", version, 3, 13);
  const flexible = version >= 9;
  writer.arrayLength(value.responses.length, flexible);
  for (const element of value.responses) {
    writeProduceResponseTopic(writer, element, version);
  }
  writer.int32(value.throttleTimeMs);
  if (version < 10 && value.nodeEndpoints !== undefined && value.nodeEndpoints.length > 0) {
    throw fieldNotInVersion("ProduceResponse.nodeEndpoints", version);
  }
  if (flexible) {
    const hasNodeEndpoints = version >= 10 && value.nodeEndpoints !== undefined && value.nodeEndpoints.length > 0;
    writer.unsignedVarint(Number(hasNodeEndpoints));
    if (hasNodeEndpoints) {
      const start = writer.beginTaggedField(0);
      writer.arrayLength(value.nodeEndpoints.length, true);
      for (const element of value.nodeEndpoints) {
        writeProduceResponseNodeEndpoint(writer, element);
      }
      writer.endTaggedField(start);
    }
  }
}

export const produceServer: ServerApi<ProduceRequest, ProduceResponse> = {
  key: 0,
  name: "Produce",
  minVersion: 3,
  maxVersion: 13,
  flexibleFrom: 9,
  decodeRequest: readProduceRequest,
  encodeResponse: writeProduceResponse,
};
