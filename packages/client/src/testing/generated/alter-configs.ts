// Generated from protocol-specs/alter-configs.spec: change that file and run protocol-specs/generate.ts.
import type { ServerApi } from "../../protocol/api.ts";
import { requireVersion } from "../../protocol/error.ts";
import type {
  AlterConfigsRequest,
  AlterConfigsRequestConfig,
  AlterConfigsRequestResource,
  AlterConfigsResponse,
  AlterConfigsResponseResource,
} from "../../protocol/generated/alter-configs.ts";
import type { ProtocolReader } from "../../protocol/reader.ts";
import type { ProtocolWriter } from "../../protocol/writer.ts";

function readAlterConfigsRequestConfig(reader: ProtocolReader, version: number): AlterConfigsRequestConfig {
  const flexible = version >= 2;
  const name = reader.string(flexible);
  const value = reader.nullableString(flexible);
  if (flexible) reader.skipTaggedFields();
  return {
    name,
    value,
  };
}

function readAlterConfigsRequestResource(reader: ProtocolReader, version: number): AlterConfigsRequestResource {
  const flexible = version >= 2;
  const resourceType = reader.int8();
  const resourceName = reader.string(flexible);
  const configsLength = reader.arrayLength(flexible, 3);
  const configs: AlterConfigsRequestConfig[] = [];
  for (let left = configsLength; left > 0; left--) {
    configs.push(readAlterConfigsRequestConfig(reader, version));
  }
  if (flexible) reader.skipTaggedFields();
  return {
    resourceType,
    resourceName,
    configs,
  };
}

function readAlterConfigsRequest(reader: ProtocolReader, version: number): AlterConfigsRequest {
  requireVersion("AlterConfigsRequest", version, 0, 2);
  const flexible = version >= 2;
  const resourcesLength = reader.arrayLength(flexible, 4);
  const resources: AlterConfigsRequestResource[] = [];
  for (let left = resourcesLength; left > 0; left--) {
    resources.push(readAlterConfigsRequestResource(reader, version));
  }
  const validateOnly = reader.boolean();
  if (flexible) reader.skipTaggedFields();
  return {
    resources,
    validateOnly,
  };
}

function writeAlterConfigsResponseResource(writer: ProtocolWriter, value: AlterConfigsResponseResource, version: number): void {
  const flexible = version >= 2;
  writer.int16(value.errorCode);
  writer.nullableString(value.errorMessage, flexible);
  writer.int8(value.resourceType);
  writer.string(value.resourceName, flexible);
  if (flexible) writer.unsignedVarint(0);
}

function writeAlterConfigsResponse(writer: ProtocolWriter, value: AlterConfigsResponse, version: number): void {
  requireVersion("AlterConfigsResponse", version, 0, 2);
  const flexible = version >= 2;
  writer.int32(value.throttleTimeMs);
  writer.arrayLength(value.responses.length, flexible);
  for (const element of value.responses) {
    writeAlterConfigsResponseResource(writer, element, version);
  }
  if (flexible) writer.unsignedVarint(0);
}

export const alterConfigsServer: ServerApi<AlterConfigsRequest, AlterConfigsResponse> = {
  key: 33,
  name: "AlterConfigs",
  minVersion: 0,
  maxVersion: 2,
  flexibleFrom: 2,
  decodeRequest: readAlterConfigsRequest,
  encodeResponse: writeAlterConfigsResponse,
};
