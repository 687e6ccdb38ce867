// Generated from protocol-specs/incremental-alter-configs.spec: change that file and run protocol-specs/generate.ts.
import type { ServerApi } from "../../protocol/api.ts";
import { requireVersion } from "../../protocol/error.ts";
import type {
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsRequestConfig,
  IncrementalAlterConfigsRequestResource,
  IncrementalAlterConfigsResponse,
  IncrementalAlterConfigsResponseResource,
} from "../../protocol/generated/incremental-alter-configs.ts";
import type { ProtocolReader } from "../../protocol/reader.ts";
import type { ProtocolWriter } from "../../protocol/writer.ts";

function readIncrementalAlterConfigsRequestConfig(reader: ProtocolReader, version: number): IncrementalAlterConfigsRequestConfig {
  const flexible = version >= 1;
  const name = reader.string(flexible);
  const configOperation = reader.int8();
  const value = reader.nullableString(flexible);
  if (flexible) reader.skipTaggedFields();
  return {
    name,
    configOperation,
    value,
  };
}

function readIncrementalAlterConfigsRequestResource(reader: ProtocolReader, version: number): IncrementalAlterConfigsRequestResource {
  const flexible = version >= 1;
  const resourceType = reader.int8();
  const resourceName = reader.string(flexible);
  const configsLength = reader.arrayLength(flexible, 4);
  const configs: IncrementalAlterConfigsRequestConfig[] = [];
  for (let left = configsLength; left > 0; left--) {
    configs.push(readIncrementalAlterConfigsRequestConfig(reader, version));
  }
  if (flexible) reader.skipTaggedFields();
  return {
    resourceType,
    resourceName,
    configs,
  };
}

function readIncrementalAlterConfigsRequest(reader: ProtocolReader, version: number): IncrementalAlterConfigsRequest {
  requireVersion("IncrementalAlterConfigsRequest", version, 0, 1);
  const flexible = version >= 1;
  const resourcesLength = reader.arrayLength(flexible, 4);
  const resources: IncrementalAlterConfigsRequestResource[] = [];
  for (let left = resourcesLength; left > 0; left--) {
    resources.push(readIncrementalAlterConfigsRequestResource(reader, version));
  }
  const validateOnly = reader.boolean();
  if (flexible) reader.skipTaggedFields();
  return {
    resources,
    validateOnly,
  };
}

function writeIncrementalAlterConfigsResponseResource(writer: ProtocolWriter, value: IncrementalAlterConfigsResponseResource, version: number): void {
  const flexible = version >= 1;
  writer.int16(value.errorCode);
  writer.nullableString(value.errorMessage, flexible);
  writer.int8(value.resourceType);
  writer.string(value.resourceName, flexible);
  if (flexible) writer.unsignedVarint(0);
}

function writeIncrementalAlterConfigsResponse(writer: ProtocolWriter, value: IncrementalAlterConfigsResponse, version: number): void {
  requireVersion("IncrementalAlterConfigsResponse", version, 0, 1);
  const flexible = version >= 1;
  writer.int32(value.throttleTimeMs);
  writer.arrayLength(value.responses.length, flexible);
  for (const element of value.responses) {
    writeIncrementalAlterConfigsResponseResource(writer, element, version);
  }
  if (flexible) writer.unsignedVarint(0);
}

export const incrementalAlterConfigsServer: ServerApi<IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse> = {
  key: 44,
  name: "IncrementalAlterConfigs",
  minVersion: 0,
  maxVersion: 1,
  flexibleFrom: 1,
  decodeRequest: readIncrementalAlterConfigsRequest,
  encodeResponse: writeIncrementalAlterConfigsResponse,
};
