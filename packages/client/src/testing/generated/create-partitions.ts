// Generated from protocol-specs/create-partitions.spec: change that file and run protocol-specs/generate.ts.
import type { ServerApi } from "../../protocol/api.ts";
import { requireVersion } from "../../protocol/error.ts";
import type {
  CreatePartitionsRequest,
  CreatePartitionsRequestAssignment,
  CreatePartitionsRequestTopic,
  CreatePartitionsResponse,
  CreatePartitionsResponseTopic,
} from "../../protocol/generated/create-partitions.ts";
import type { ProtocolReader } from "../../protocol/reader.ts";
import type { ProtocolWriter } from "../../protocol/writer.ts";

function readCreatePartitionsRequestAssignment(reader: ProtocolReader, version: number): CreatePartitionsRequestAssignment {
  const flexible = version >= 2;
  const brokerIdsLength = reader.arrayLength(flexible, 4);
  const brokerIds: number[] = [];
  for (let left = brokerIdsLength; left > 0; left--) {
    brokerIds.push(reader.int32());
  }
  if (flexible) reader.skipTaggedFields();
  return {
    brokerIds,
  };
}

function readCreatePartitionsRequestTopic(reader: ProtocolReader, version: number): CreatePartitionsRequestTopic {
  const flexible = version >= 2;
  const name = reader.string(flexible);
  const count = reader.int32();
  const assignmentsLength = reader.nullableArrayLength(flexible, 2);
  const assignments: CreatePartitionsRequestAssignment[] | null = assignmentsLength < 0 ? null : [];
  for (let left = assignmentsLength; left > 0; left--) {
    assignments?.push(readCreatePartitionsRequestAssignment(reader, version));
  }
  if (flexible) reader.skipTaggedFields();
  return {
    name,
    count,
    assignments,
  };
}

function readCreatePartitionsRequest(reader: ProtocolReader, version: number): CreatePartitionsRequest {
  requireVersion("CreatePartitionsRequest", version, 0, 3);
  const flexible = version >= 2;
  const topicsLength = reader.arrayLength(flexible, 7);
  const topics: CreatePartitionsRequestTopic[] = [];
  for (let left = topicsLength; left > 0; left--) {
    topics.push(readCreatePartitionsRequestTopic(reader, version));
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

function writeCreatePartitionsResponseTopic(writer: ProtocolWriter, value: CreatePartitionsResponseTopic, version: number): void {
  const flexible = version >= 2;
  writer.string(value.name, flexible);
  writer.int16(value.errorCode);
  writer.nullableString(value.errorMessage, flexible);
  if (flexible) writer.unsignedVarint(0);
}

function writeCreatePartitionsResponse(writer: ProtocolWriter, value: CreatePartitionsResponse, version: number): void {
  requireVersion("CreatePartitionsResponse", version, 0, 3);
  const flexible = version >= 2;
  writer.int32(value.throttleTimeMs);
  writer.arrayLength(value.results.length, flexible);
  for (const element of value.results) {
    writeCreatePartitionsResponseTopic(writer, element, version);
  }
  if (flexible) writer.unsignedVarint(0);
}

export const createPartitionsServer: ServerApi<CreatePartitionsRequest, CreatePartitionsResponse> = {
  key: 37,
  name: "CreatePartitions",
  minVersion: 0,
  maxVersion: 3,
  flexibleFrom: 2,
  decodeRequest: readCreatePartitionsRequest,
  encodeResponse: writeCreatePartitionsResponse,
};
