// Generated from protocol-specs/describe-configs.spec: change that file and run protocol-specs/generate.ts.
import type { Api } from "../api.ts";
import { fieldNotInVersion, requireVersion } from "../error.ts";
import type { ProtocolReader } from "../reader.ts";
import type { ProtocolWriter } from "../writer.ts";

export interface DescribeConfigsRequest {
  readonly resources: readonly DescribeConfigsRequestResource[];
  /** From version 1 on, otherwise false. */
  readonly includeSynonyms: boolean;
  /** From version 3 on, otherwise false. */
  readonly includeDocumentation: boolean;
}

export interface DescribeConfigsRequestResource {
  /** 2 is a topic, 4 a broker. */
  readonly resourceType: number;
  readonly resourceName: string;
  /** Null for all. */
  readonly configurationKeys: readonly string[] | null;
}

export interface DescribeConfigsResponse {
  /** How long the client should stay silent, in milliseconds. */
  readonly throttleTimeMs: number;
  readonly results: readonly DescribeConfigsResponseResult[];
}

export interface DescribeConfigsResponseResult {
  readonly errorCode: number;
  readonly errorMessage: string | null;
  readonly resourceType: number;
  readonly resourceName: string;
  readonly configs: readonly DescribeConfigsResponseConfig[];
}

export interface DescribeConfigsResponseConfig {
  readonly name: string;
  /** Null if sensitive. */
  readonly value: string | null;
  readonly readOnly: boolean;
  /** Whether the value was not set for the resource itself. Up to version 0, otherwise false. */
  readonly isDefault: boolean;
  /** 1 topic, 2 broker, 3 all brokers, 4 broker's file, 5 default. From version 1 on, otherwise -1. */
  readonly configSource: number;
  readonly isSensitive: boolean;
  /** From version 1 on, otherwise empty. */
  readonly synonyms: readonly DescribeConfigsResponseSynonym[];
  /** From version 3 on, otherwise 0. */
  readonly configType: number;
  /** From version 3 on, otherwise "". */
  readonly documentation: string | null;
}

export interface DescribeConfigsResponseSynonym {
  readonly name: string;
  readonly value: string | null;
  readonly source: number;
}

function writeDescribeConfigsRequestResource(writer: ProtocolWriter, value: DescribeConfigsRequestResource, version: number): void {
  const flexible = version >= 4;
  writer.int8(value.resourceType);
  writer.string(value.resourceName, flexible);
  if (value.configurationKeys === null) {
    writer.nullArray(flexible);
  } else {
    writer.arrayLength(value.configurationKeys.length, flexible);
    for (const element of value.configurationKeys) {
      writer.string(element, flexible);
    }
  }
  if (flexible) writer.unsignedVarint(0);
}

function writeDescribeConfigsRequest(writer: ProtocolWriter, value: DescribeConfigsRequest, version: number): void {
  requireVersion("DescribeConfigsRequest", version, 0, 4);
  const flexible = version >= 4;
  writer.arrayLength(value.resources.length, flexible);
  for (const element of value.resources) {
    writeDescribeConfigsRequestResource(writer, element, version);
  }
  if (version >= 1) {
    writer.boolean(value.includeSynonyms);
  } else if (value.includeSynonyms !== false) {
    throw fieldNotInVersion("DescribeConfigsRequest.includeSynonyms", version);
  }
  if (version >= 3) {
    writer.boolean(value.includeDocumentation);
  } else if (value.includeDocumentation !== false) {
    throw fieldNotInVersion("DescribeConfigsRequest.includeDocumentation", version);
  }
  if (flexible) writer.unsignedVarint(0);
}

function readDescribeConfigsResponseSynonym(reader: ProtocolReader, version: number): DescribeConfigsResponseSynonym {
  const flexible = version >= 4;
  const name = reader.string(flexible);
  const value = reader.nullableString(flexible);
  const source = reader.int8();
  if (flexible) reader.skipTaggedFields();
  return {
    name,
    value,
    source,
  };
}

function readDescribeConfigsResponseConfig(reader: ProtocolReader, version: number): DescribeConfigsResponseConfig {
  const flexible = version >= 4;
  const name = reader.string(flexible);
  const value = reader.nullableString(flexible);
  const readOnly = reader.boolean();
  const isDefault = version <= 0 ? reader.boolean() : false;
  const configSource = version >= 1 ? reader.int8() : -1;
  const isSensitive = reader.boolean();
  const synonymsLength = version >= 1 ? reader.arrayLength(flexible, 4) : 0;
  const synonyms: DescribeConfigsResponseSynonym[] = [];
  for (let left = synonymsLength; left > 0; left--) {
    synonyms.push(readDescribeConfigsResponseSynonym(reader, version));
  }
  const configType = version >= 3 ? reader.int8() : 0;
  const documentation = version >= 3 ? reader.nullableString(flexible) : "";
  if (flexible) reader.skipTaggedFields();
  return {
    name,
    value,
    readOnly,
    isDefault,
    configSource,
    isSensitive,
    synonyms,
    configType,
    documentation,
  };
}

function readDescribeConfigsResponseResult(reader: ProtocolReader, version: number): DescribeConfigsResponseResult {
  const flexible = version >= 4;
  const errorCode = reader.int16();
  const errorMessage = reader.nullableString(flexible, true);
  const resourceType = reader.int8();
  const resourceName = reader.string(flexible);
  const configsLength = reader.arrayLength(flexible, 7);
  const configs: DescribeConfigsResponseConfig[] = [];
  for (let left = configsLength; left > 0; left--) {
    configs.push(readDescribeConfigsResponseConfig(reader, version));
  }
  if (flexible) reader.skipTaggedFields();
  return {
    errorCode,
    errorMessage,
    resourceType,
    resourceName,
    configs,
  };
}

function readDescribeConfigsResponse(reader: ProtocolReader, version: number): DescribeConfigsResponse {
  requireVersion("DescribeConfigsResponse", version, 0, 4);
  const flexible = version >= 4;
  const throttleTimeMs = reader.int32();
  const resultsLength = reader.arrayLength(flexible, 7);
  const results: DescribeConfigsResponseResult[] = [];
  for (let left = resultsLength; left > 0; left--) {
    results.push(readDescribeConfigsResponseResult(reader, version));
  }
  if (flexible) reader.skipTaggedFields();
  return {
    throttleTimeMs,
    results,
  };
}

export const describeConfigsApi: Api<DescribeConfigsRequest, DescribeConfigsResponse> = {
  key: 32,
  name: "DescribeConfigs",
  versions: [0, 1, 2, 4],
  flexibleFrom: 4,
  encodeRequest: writeDescribeConfigsRequest,
  decodeResponse: readDescribeConfigsResponse,
};
