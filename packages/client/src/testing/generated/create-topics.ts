// Generated from protocol-specs/create-topics.spec: change that file and run protocol-specs/generate.ts.
import type { ServerApi } from "../../protocol/api.ts";
import { requireVersion } from "../../protocol/error.ts";
import type {
  CreateTopicsRequest,
  CreateTopicsRequestAssignment,
  CreateTopicsRequestConfig,
  CreateTopicsRequestTopic,
  CreateTopicsResponse,
  CreateTopicsResponseConfig,
  CreateTopicsResponseTopic,
} from "../../protocol/generated/create-topics.ts";
import type { ProtocolReader } from "../../protocol/reader.ts";
import type { ProtocolWriter } from "../../protocol/writer.ts";

function readCreateTopicsRequestAssignment(reader: ProtocolReader, version: number): CreateTopicsRequestAssignment {
  const flexible = version >= 5;
  const partitionIndex = reader.int32();
  const brokerIdsLength = reader.arrayLength(flexible, 4);
  const brokerIds: number[] = [];
  for (let left = brokerIdsLength; left > 0; left--) {
    brokerIds.push(reader.int32());
  }
  if (flexible) reader.skipTaggedFields();
  return {
    partitionIndex,
    brokerIds,
  };
}

function readCreateTopicsRequestConfig(reader: ProtocolReader, version: number): CreateTopicsRequestConfig {
  const flexible = version >= 5;
  const name = reader.string(flexible);
  const value = reader.nullableString(flexible);
  if (flexible) reader.skipTaggedFields();
  return {
    name,
    value,
  };
}

function readCreateTopicsRequestTopic(reader: ProtocolReader, version: number): CreateTopicsRequestTopic {
  const flexible = version >= 5;
  const name = reader.string(flexible);
  const numPartitions = reader.int32();
  const replicationFactor = reader.int16();
  const assignmentsLength = reader.arrayLength(flexible, 6);
  const assignments: CreateTopicsRequestAssignment[] = [];
  for (let left = assignmentsLength; left > 0; left--) {
    assignments.push(readCreateTopicsRequestAssignment(reader, version));
  }
  const configsLength = reader.arrayLength(flexible, 3);
  const configs: CreateTopicsRequestConfig[] = [];
  for (let left = configsLength; left > 0; left--) {
    configs.push(readCreateTopicsRequestConfig(reader, version));
  }
  if (flexible) reader.skipTaggedFields();
  return {
    name,
    numPartitions,
    replicationFactor,
    assignments,
    configs,
  };
}

function readCreateTopicsRequest(reader: ProtocolReader, version: number): CreateTopicsRequest {
  requireVersion("CreateTopicsRequest", version, 2, 7);
  const flexible = version >= 5;
  const topicsLength = reader.arrayLength(flexible, 10);
  const topics: CreateTopicsRequestTopic[] = [];
  for (let left = topicsLength; left > 0; left--) {
    topics.push(readCreateTopicsRequestTopic(reader, version));
  }
  const timeoutMs = reader.int32();
  const validateOnly = reader.boolean();
  if (flexible) reader.skipTaggedFields();
  return {
    topics,
    timeoutMs,
    validateOnly,
  };
}

function writeCreateTopicsResponseConfig(writer: ProtocolWriter, value: CreateTopicsResponseConfig): void {
  writer.string(value.name, true);
  writer.nullableString(value.value, true);
  writer.boolean(value.readOnly);
  writer.int8(value.configSource);
  writer.boolean(value.isSensitive);
  writer.unsignedVarint(0);
}

function writeCreateTopicsResponseTopic(writer: ProtocolWriter, value: CreateTopicsResponseTopic, version: number): void {
  const flexible = version >= 5;
  writer.string(value.name, flexible);
  if (version >= 7) {
    writer.uuid(value.topicId);
  }
  writer.int16(value.errorCode);
  writer.nullableString(value.errorMessage, flexible);
  if (version >= 5) {
    writer.int32(value.numPartitions);
  }
  if (version >= 5) {
    writer.int16(value.replicationFactor);
  }
  if (version >= 5) {
    if (value.configs === null) {
      writer.nullArray(true);
    } else {
      writer.arrayLength(value.configs.length, true);
      for (const element of value.configs) {
        writeCreateTopicsResponseConfig(writer, element);
      }
    }
  }
  if (flexible) {
    const hasTopicConfigErrorCode = value.topicConfigErrorCode !== undefined && value.topicConfigErrorCode !== 0;
    writer.unsignedVarint(Number(hasTopicConfigErrorCode));
    if (hasTopicConfigErrorCode) {
      const start = writer.beginTaggedField(0);
      writer.int16(value.topicConfigErrorCode);
      writer.endTaggedField(start);
    }
  }
}

function writeCreateTopicsResponse(writer: ProtocolWriter, value: CreateTopicsResponse, version: number): void {
  requireVersion("CreateTopicsResponse", version, 2, 7);
  const flexible = version >= 5;
  writer.int32(value.throttleTimeMs);
  writer.arrayLength(value.topics.length, flexible);
  for (const element of value.topics) {
    writeCreateTopicsResponseTopic(writer, element, version);
  }
  if (flexible) writer.unsignedVarint(0);
}

export const createTopicsServer: ServerApi<CreateTopicsRequest, CreateTopicsResponse> = {
  key: 19,
  name: "CreateTopics",
  minVersion: 2,
  maxVersion: 7,
  flexibleFrom: 5,
  decodeRequest: readCreateTopicsRequest,
  encodeResponse: writeCreateTopicsResponse,
};
