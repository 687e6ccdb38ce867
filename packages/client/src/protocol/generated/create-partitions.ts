// Generated from protocol-specs/create-partitions.spec: change that file and run protocol-specs/generate.ts.
import type { Api } from "../api.ts";
import { requireVersion } from "../error.ts";
import type { ProtocolReader } from "../reader.ts";
import type { ProtocolWriter } from "../writer.ts";

export interface CreatePartitionsRequest {
  readonly topics: readonly CreatePartitionsRequestTopic[];
  /** How long the broker may wait for the controller, in milliseconds. */
  readonly timeoutMs: number;
  /** Checks the request without changing anything. */
  readonly validateOnly: boolean;
}

export interface CreatePartitionsRequestTopic {
  readonly name: string;
  /** The total afterwards, not the number to add. */
  readonly count: number;
  /** Which brokers hold the new partitions; null to let the controller choose. */
  readonly assignments: readonly CreatePartitionsRequestAssignment[] | null;
}

export interface CreatePartitionsRequestAssignment {
  readonly brokerIds: readonly number[];
}

export interface CreatePartitionsResponse {
  /** How long the client should stay silent, in milliseconds. */
  readonly throttleTimeMs: number;
  readonly results: readonly CreatePartitionsResponseTopic[];
}

export interface CreatePartitionsResponseTopic {
  readonly name: string;
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

function writeCreatePartitionsRequestAssignment(writer: ProtocolWriter, value: CreatePartitionsRequestAssignment, version: number): void {
  const flexible = version >= 2;
  writer.arrayLength(value.brokerIds.length, flexible);
  for (const element of value.brokerIds) {
    writer.int32(element);
  }
  if (flexible) writer.unsignedVarint(0);
}

function writeCreatePartitionsRequestTopic(writer: ProtocolWriter, value: CreatePartitionsRequestTopic, version: number): void {
  const flexible = version >= 2;
  writer.string(value.name, flexible);
  writer.int32(value.count);
  if (value.assignments === null) {
    writer.nullArray(flexible);
  } else {
    writer.arrayLength(value.assignments.length, flexible);
    for (const element of value.assignments) {
      writeCreatePartitionsRequestAssignment(writer, element, version);
    }
  }
  if (flexible) writer.unsignedVarint(0);
}

function writeCreatePartitionsRequest(writer: ProtocolWriter, value: CreatePartitionsRequest, version: number): void {
  requireVersion("CreatePartitionsRequest", version, 0, 3);
  const flexible = version >= 2;
  writer.arrayLength(value.topics.length, flexible);
  for (const element of value.topics) {
    writeCreatePartitionsRequestTopic(writer, element, version);
  }
  writer.int32(value.timeoutMs);
  writer.boolean(value.validateOnly);
  if (flexible) writer.unsignedVarint(0);
}

function readCreatePartitionsResponseTopic(reader: ProtocolReader, version: number): CreatePartitionsResponseTopic {
  const flexible = version >= 2;
  const name = reader.string(flexible);
  const errorCode = reader.int16();
  const errorMessage = reader.nullableString(flexible, true);
  if (flexible) reader.skipTaggedFields();
  return {
    name,
    errorCode,
    errorMessage,
  };
}

function readCreatePartitionsResponse(reader: ProtocolReader, version: number): CreatePartitionsResponse {
  requireVersion("CreatePartitionsResponse", version, 0, 3);
  const flexible = version >= 2;
  const throttleTimeMs = reader.int32();
  const resultsLength = reader.arrayLength(flexible, 5);
  const results: CreatePartitionsResponseTopic[] = [];
  for (let left = resultsLength; left > 0; left--) {
    results.push(readCreatePartitionsResponseTopic(reader, version));
  }
  if (flexible) reader.skipTaggedFields();
  return {
    throttleTimeMs,
    results,
  };
}

export const createPartitionsApi: Api<CreatePartitionsRequest, CreatePartitionsResponse> = {
  key: 37,
  name: "CreatePartitions",
  versions: [0, 1, 2, 3],
  flexibleFrom: 2,
  encodeRequest: writeCreatePartitionsRequest,
  decodeResponse: readCreatePartitionsResponse,
};
