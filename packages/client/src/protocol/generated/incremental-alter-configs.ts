// Generated from protocol-specs/incremental-alter-configs.spec: change that file and run protocol-specs/generate.ts.
import type { Api } from "../api.ts";
import { requireVersion } from "../error.ts";
import type { ProtocolReader } from "../reader.ts";
import type { ProtocolWriter } from "../writer.ts";

export interface IncrementalAlterConfigsRequest {
  readonly resources: readonly IncrementalAlterConfigsRequestResource[];
  /** Checks the request without changing anything. */
  readonly validateOnly: boolean;
}

export interface IncrementalAlterConfigsRequestResource {
  /** 2 is a topic, 4 a broker. */
  readonly resourceType: number;
  readonly resourceName: string;
  readonly configs: readonly IncrementalAlterConfigsRequestConfig[];
}

export interface IncrementalAlterConfigsRequestConfig {
  readonly name: string;
  /** 0 sets, 1 deletes, 2 appends to a list, 3 removes from a list. */
  readonly configOperation: number;
  /** Null to delete. */
  readonly value: string | null;
}

export interface IncrementalAlterConfigsResponse {
  /** How long the client should stay silent, in milliseconds. */
  readonly throttleTimeMs: number;
  readonly responses: readonly IncrementalAlterConfigsResponseResource[];
}

export interface IncrementalAlterConfigsResponseResource {
  readonly errorCode: number;
  readonly errorMessage: string | null;
  readonly resourceType: number;
  readonly resourceName: string;
}

function writeIncrementalAlterConfigsRequestConfig(writer: ProtocolWriter, value: IncrementalAlterConfigsRequestConfig, version: number): void {
  const flexible = version >= 1;
  writer.string(value.name, flexible);
  writer.int8(value.configOperation);
  writer.nullableString(value.value, flexible);
  if (flexible) writer.unsignedVarint(0);
}

function writeIncrementalAlterConfigsRequestResource(writer: ProtocolWriter, value: IncrementalAlterConfigsRequestResource, version: number): void {
  const flexible = version >= 1;
  writer.int8(value.resourceType);
  writer.string(value.resourceName, flexible);
  writer.arrayLength(value.configs.length, flexible);
  for (const element of value.configs) {
    writeIncrementalAlterConfigsRequestConfig(writer, element, version);
  }
  if (flexible) writer.unsignedVarint(0);
}

function writeIncrementalAlterConfigsRequest(writer: ProtocolWriter, value: IncrementalAlterConfigsRequest, version: number): void {
  requireVersion("IncrementalAlterConfigsRequest", version, 0, 1);
  const flexible = version >= 1;
  writer.arrayLength(value.resources.length, flexible);
  for (const element of value.resources) {
    writeIncrementalAlterConfigsRequestResource(writer, element, version);
  }
  writer.boolean(value.validateOnly);
  if (flexible) writer.unsignedVarint(0);
}

function readIncrementalAlterConfigsResponseResource(reader: ProtocolReader, version: number): IncrementalAlterConfigsResponseResource {
  const flexible = version >= 1;
  const errorCode = reader.int16();
  const errorMessage = reader.nullableString(flexible, true);
  const resourceType = reader.int8();
  const resourceName = reader.string(flexible);
  if (flexible) reader.skipTaggedFields();
  return {
    errorCode,
    errorMessage,
    resourceType,
    resourceName,
  };
}

function readIncrementalAlterConfigsResponse(reader: ProtocolReader, version: number): IncrementalAlterConfigsResponse {
  requireVersion("IncrementalAlterConfigsResponse", version, 0, 1);
  const flexible = version >= 1;
  const throttleTimeMs = reader.int32();
  const responsesLength = reader.arrayLength(flexible, 6);
  const responses: IncrementalAlterConfigsResponseResource[] = [];
  for (let left = responsesLength; left > 0; left--) {
    responses.push(readIncrementalAlterConfigsResponseResource(reader, version));
  }
  if (flexible) reader.skipTaggedFields();
  return {
    throttleTimeMs,
    responses,
  };
}

export const incrementalAlterConfigsApi: Api<IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse> = {
  key: 44,
  name: "IncrementalAlterConfigs",
  versions: [0, 1],
  flexibleFrom: 1,
  encodeRequest: writeIncrementalAlterConfigsRequest,
  decodeResponse: readIncrementalAlterConfigsResponse,
};
