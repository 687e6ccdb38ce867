// Generated from protocol-specs/describe-configs.spec: change that file and run protocol-specs/generate.ts.
import type { ServerApi } from "../../protocol/api.ts";
import { fieldNotInVersion, requireVersion } from "../../protocol/error.ts";
import type {
  DescribeConfigsRequest,
  DescribeConfigsRequestResource,
  DescribeConfigsResponse,
  DescribeConfigsResponseConfig,
  DescribeConfigsResponseResult,
  DescribeConfigsResponseSynonym,
} from "../../protocol/generated/describe-configs.ts";
import type { ProtocolReader } from "../../protocol/reader.ts";
import type { ProtocolWriter } from "../../protocol/writer.ts";

function readDescribeConfigsRequestResource(reader: ProtocolReader, version: number): DescribeConfigsRequestResource {
  const flexible = version >= 4;
  const resourceType = reader.int8();
  const resourceName = reader.string(flexible);
  const configurationKeysLength = reader.nullableArrayLength(flexible, 1);
  const configurationKeys: string[] | null = configurationKeysLength < 0 ? null : [];
  for (let left = configurationKeysLength; left > 0; left--) {
    configurationKeys?.push(reader.string(flexible));
  }
  if (flexible) reader.skipTaggedFields();
  return {
    resourceType,
    resourceName,
    configurationKeys,
  };
}

function readDescribeConfigsRequest(reader: ProtocolReader, version: number): DescribeConfigsRequest {
  requireVersion("DescribeConfigsRequest", version, 0, 4);
  const flexible = version >= 4;
  const resourcesLength = reader.arrayLength(flexible, 4);
  const resources: DescribeConfigsRequestResource[] = [];
  for (let left = resourcesLength; left > 0; left--) {
    resources.push(readDescribeConfigsRequestResource(reader, version));
  }
  const includeSynonyms = version >= 1 ? reader.boolean() : false;
  const includeDocumentation = version >= 3 ? reader.boolean() : false;
  if (flexible) reader.skipTaggedFields();
  return {
    resources,
    includeSynonyms,
    includeDocumentation,
  };
}

function writeDescribeConfigsResponseSynonym(writer: ProtocolWriter, value: DescribeConfigsResponseSynonym, version: number): void {
  const flexible = version >= 4;
  writer.string(value.name, flexible);
  writer.nullableString(value.value, flexible);
  writer.int8(value.source);
  if (flexible) writer.unsignedVarint(0);
}

function writeDescribeConfigsResponseConfig(writer: ProtocolWriter, value: DescribeConfigsResponseConfig, version: number): void {
  const flexible = version >= 4;
  writer.string(value.name, flexible);
  writer.nullableString(value.value, flexible);
  writer.boolean(value.readOnly);
  if (version <= 0) {
    writer.boolean(value.isDefault);
  } else if (value.isDefault !== false) {
    throw fieldNotInVersion("DescribeConfigsResponseConfig.isDefault", version);
  }
  if (version >= 1) {
    writer.int8(value.configSource);
  }
  writer.boolean(value.isSensitive);
  if (version >= 1) {
    writer.arrayLength(value.synonyms.length, flexible);
    for (const element of value.synonyms) {
      writeDescribeConfigsResponseSynonym(writer, element, version);
    }
  }
  if (version >= 3) {
    writer.int8(value.configType);
  }
  if (version >= 3) {
    writer.nullableString(value.documentation, flexible);
  }
  if (flexible) writer.unsignedVarint(0);
}

function writeDescribeConfigsResponseResult(writer: ProtocolWriter, value: DescribeConfigsResponseResult, version: number): void {
  const flexible = version >= 4;
  writer.int16(value.errorCode);
  writer.nullableString(value.errorMessage, flexible);
  writer.int8(value.resourceType);
  writer.string(value.resourceName, flexible);
  writer.arrayLength(value.configs.length, flexible);
  for (const element of value.configs) {
    writeDescribeConfigsResponseConfig(writer, element, version);
  }
  if (flexible) writer.unsignedVarint(0);
}

function writeDescribeConfigsResponse(writer: ProtocolWriter, value: DescribeConfigsResponse, version: number): void {
  requireVersion("DescribeConfigsResponse", version, 0, 4);
  const flexible = version >= 4;
  writer.int32(value.throttleTimeMs);
  writer.arrayLength(value.results.length, flexible);
  for (const element of value.results) {
    writeDescribeConfigsResponseResult(writer, element, version);
  }
  if (flexible) writer.unsignedVarint(0);
}

export const describeConfigsServer: ServerApi<DescribeConfigsRequest, DescribeConfigsResponse> = {
  key: 32,
  name: "DescribeConfigs",
  minVersion: 0,
  maxVersion: 4,
  flexibleFrom: 4,
  decodeRequest: readDescribeConfigsRequest,
  encodeResponse: writeDescribeConfigsResponse,
};
