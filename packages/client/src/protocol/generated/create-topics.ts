// Generated from protocol-specs/create-topics.spec: change that file and run protocol-specs/generate.ts.
import type { Api } from "../api.ts";
import { requireVersion } from "../error.ts";
import type { ProtocolReader } from "../reader.ts";
import type { ProtocolWriter } from "../writer.ts";

export interface CreateTopicsRequest {
  readonly topics: readonly CreateTopicsRequestTopic[];
  /** How long the broker may wait for the controller, in milliseconds. */
  readonly timeoutMs: number;
  /** Checks the request without creating anything. */
  readonly validateOnly: boolean;
}

export interface CreateTopicsRequestTopic {
  readonly name: string;
  /** -1 for the broker's default (from version 4 on), or with assignments. */
  readonly numPartitions: number;
  /** -1 for the broker's default (from version 4 on), or with assignments. */
  readonly replicationFactor: number;
  /** Which brokers hold which partition; empty to let the controller choose. */
  readonly assignments: readonly CreateTopicsRequestAssignment[];
  readonly configs: readonly CreateTopicsRequestConfig[];
}

export interface CreateTopicsRequestAssignment {
  readonly partitionIndex: number;
  readonly brokerIds: readonly number[];
}

export interface CreateTopicsRequestConfig {
  readonly name: string;
  readonly value: string | null;
}

export interface CreateTopicsResponse {
  /** How long the client should stay silent, in milliseconds. */
  readonly throttleTimeMs: number;
  readonly topics: readonly CreateTopicsResponseTopic[];
}

export interface CreateTopicsResponseTopic {
  readonly name: string;
  /** From version 7 on, otherwise the zero id. */
  readonly topicId: string;
  readonly errorCode: number;
  readonly errorMessage: string | null;
  /** Why the configuration is missing, such as a lack of permission. From version 5 on, absent means 0. */
  readonly topicConfigErrorCode?: number | undefined;
  /** From version 5 on, otherwise -1. */
  readonly numPartitions: number;
  /** From version 5 on, otherwise -1. */
  readonly replicationFactor: number;
  /** Null on an error. From version 5 on, otherwise empty. */
  readonly configs: readonly CreateTopicsResponseConfig[] | null;
}

export interface CreateTopicsResponseConfig {
  readonly name: string;
  readonly value: string | null;
  readonly readOnly: boolean;
  readonly configSource: number;
  readonly isSensitive: boolean;
}

function writeCreateTopicsRequestAssignment(writer: ProtocolWriter, value: CreateTopicsRequestAssignment, version: number): void {
  const flexible = version >= 5;
  writer.int32(value.partitionIndex);
  writer.arrayLength(value.brokerIds.length, flexible);
  for (const element of value.brokerIds) {
    writer.int32(element);
  }
  if (flexible) writer.unsignedVarint(0);
}

function writeCreateTopicsRequestConfig(writer: ProtocolWriter, value: CreateTopicsRequestConfig, version: number): void {
  const flexible = version >= 5;
  writer.string(value.name, flexible);
  writer.nullableString(value.value, flexible);
  if (flexible) writer.unsignedVarint(0);
}

function writeCreateTopicsRequestTopic(writer: ProtocolWriter, value: CreateTopicsRequestTopic, version: number): void {
  const flexible = version >= 5;
  writer.string(value.name, flexible);
  writer.int32(value.numPartitions);
  writer.int16(value.replicationFactor);
  writer.arrayLength(value.assignments.length, flexible);
  for (const element of value.assignments) {
    writeCreateTopicsRequestAssignment(writer, element, version);
  }
  writer.arrayLength(value.configs.length, flexible);
  for (const element of value.configs) {
    writeCreateTopicsRequestConfig(writer, element, version);
  }
  if (flexible) writer.unsignedVarint(0);
}

function writeCreateTopicsRequest(writer: ProtocolWriter, value: CreateTopicsRequest, version: number): void {
  requireVersion("CreateTopicsRequest", version, 2, 7);
  const flexible = version >= 5;
  writer.arrayLength(value.topics.length, flexible);
  for (const element of value.topics) {
    writeCreateTopicsRequestTopic(writer, element, version);
  }
  writer.int32(value.timeoutMs);
  writer.boolean(value.validateOnly);
  if (flexible) writer.unsignedVarint(0);
}

function readCreateTopicsResponseConfig(reader: ProtocolReader): CreateTopicsResponseConfig {
  const name = reader.string(true);
  const value = reader.nullableString(true);
  const readOnly = reader.boolean();
  const configSource = reader.int8();
  const isSensitive = reader.boolean();
  reader.skipTaggedFields();
  return {
    name,
    value,
    readOnly,
    configSource,
    isSensitive,
  };
}

function readCreateTopicsResponseTopic(reader: ProtocolReader, version: number): CreateTopicsResponseTopic {
  const flexible = version >= 5;
  const name = reader.string(flexible);
  const topicId = version >= 7 ? reader.uuid() : "AAAAAAAAAAAAAAAAAAAAAA";
  const errorCode = reader.int16();
  const errorMessage = reader.nullableString(flexible, true);
  const numPartitions = version >= 5 ? reader.int32() : -1;
  const replicationFactor = version >= 5 ? reader.int16() : -1;
  const configsLength = version >= 5 ? reader.nullableArrayLength(true, 6) : 0;
  const configs: CreateTopicsResponseConfig[] | null = configsLength < 0 ? null : [];
  for (let left = configsLength; left > 0; left--) {
    configs?.push(readCreateTopicsResponseConfig(reader));
  }
  let topicConfigErrorCode: CreateTopicsResponseTopic["topicConfigErrorCode"];
  if (flexible) {
    for (let left = reader.taggedFieldCount(); left > 0; left--) {
      const tag = reader.unsignedVarint();
      const end = reader.taggedFieldEnd();
      if (tag === 0) {
        topicConfigErrorCode = reader.int16();
      } else {
        reader.skipTaggedField(end);
      }
      reader.finishTaggedField(end);
    }
  }
  return {
    name,
    topicId,
    errorCode,
    errorMessage,
    topicConfigErrorCode,
    numPartitions,
    replicationFactor,
    configs,
  };
}

function readCreateTopicsResponse(reader: ProtocolReader, version: number): CreateTopicsResponse {
  requireVersion("CreateTopicsResponse", version, 2, 7);
  const flexible = version >= 5;
  const throttleTimeMs = reader.int32();
  const topicsLength = reader.arrayLength(flexible, 6);
  const topics: CreateTopicsResponseTopic[] = [];
  for (let left = topicsLength; left > 0; left--) {
    topics.push(readCreateTopicsResponseTopic(reader, version));
  }
  if (flexible) reader.skipTaggedFields();
  return {
    throttleTimeMs,
    topics,
  };
}

export const createTopicsApi: Api<CreateTopicsRequest, CreateTopicsResponse> = {
  key: 19,
  name: "CreateTopics",
  versions: [2, 3, 4, 5, 7],
  flexibleFrom: 5,
  encodeRequest: writeCreateTopicsRequest,
  decodeResponse: readCreateTopicsResponse,
};
