// Generated from protocol-specs/alter-configs.spec: change that file and run protocol-specs/generate.ts.
import type { Api } from "../api.ts";
import { requireVersion } from "../error.ts";
import type { ProtocolReader } from "../reader.ts";
import type { ProtocolWriter } from "../writer.ts";

export interface AlterConfigsRequest {
  readonly resources: readonly AlterConfigsRequestResource[];
  /** Checks the request without changing anything. */
  readonly validateOnly: boolean;
}

export interface AlterConfigsRequestResource {
  /** 2 is a topic, 4 a broker. */
  readonly resourceType: number;
  readonly resourceName: string;
  readonly configs: readonly AlterConfigsRequestConfig[];
}

export interface AlterConfigsRequestConfig {
  readonly name: string;
  readonly value: string | null;
}

export interface AlterConfigsResponse {
  /** How long the client should stay silent, in milliseconds. */
  readonly throttleTimeMs: number;
  readonly responses: readonly AlterConfigsResponseResource[];
}

export interface AlterConfigsResponseResource {
  readonly errorCode: number;
  readonly errorMessage: string | null;
  readonly resourceType: number;
  readonly resourceName: string;
}

function writeAlterConfigsRequestConfig(writer: ProtocolWriter, value: AlterConfigsRequestConfig, version: number): void {
  const flexible = version >= 2;
  writer.string(value.name, flexible);
  writer.nullableString(value.value, flexible);
  if (flexible) writer.unsignedVarint(0);
}

function writeAlterConfigsRequestResource(writer: ProtocolWriter, value: AlterConfigsRequestResource, version: number): void {
  const flexible = version >= 2;
  writer.int8(value.resourceType);
  writer.string(value.resourceName, flexible);
  writer.arrayLength(value.configs.length, flexible);
  for (const element of value.configs) {
    writeAlterConfigsRequestConfig(writer, element, version);
  }
  if (flexible) writer.unsignedVarint(0);
}

function writeAlterConfigsRequest(writer: ProtocolWriter, value: AlterConfigsRequest, version: number): void {
  requireVersion("AlterConfigsRequest", version, 0, 2);
  const flexible = version >= 2;
  writer.arrayLength(value.resources.length, flexible);
  for (const element of value.resources) {
    writeAlterConfigsRequestResource(writer, element, version);
  }
  writer.boolean(value.validateOnly);
  if (flexible) writer.unsignedVarint(0);
}

function readAlterConfigsResponseResource(reader: ProtocolReader, version: number): AlterConfigsResponseResource {
  const flexible = version >= 2;
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

function readAlterConfigsResponse(reader: ProtocolReader, version: number): AlterConfigsResponse {
  requireVersion("AlterConfigsResponse", version, 0, 2);
  const flexible = version >= 2;
  const throttleTimeMs = reader.int32();
  const responsesLength = reader.arrayLength(flexible, 6);
  const responses: AlterConfigsResponseResource[] = [];
  for (let left = responsesLength; left > 0; left--) {
    responses.push(readAlterConfigsResponseResource(reader, version));
  }
  if (flexible) reader.skipTaggedFields();
  return {
    throttleTimeMs,
    responses,
  };
}

export const alterConfigsApi: Api<AlterConfigsRequest, AlterConfigsResponse> = {
  key: 33,
  name: "AlterConfigs",
  versions: [0, 1, 2],
  flexibleFrom: 2,
  encodeRequest: writeAlterConfigsRequest,
  decodeResponse: readAlterConfigsResponse,
};
