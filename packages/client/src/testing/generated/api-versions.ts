// Generated from protocol-specs/api-versions.spec: change that file and run protocol-specs/generate.ts.
import type { ServerApi } from "../../protocol/api.ts";
import { requireVersion } from "../../protocol/error.ts";
import type {
  ApiVersionsFinalizedFeature,
  ApiVersionsRequest,
  ApiVersionsResponse,
  ApiVersionsResponseKey,
  ApiVersionsSupportedFeature,
} from "../../protocol/generated/api-versions.ts";
import type { ProtocolReader } from "../../protocol/reader.ts";
import type { ProtocolWriter } from "../../protocol/writer.ts";

function readApiVersionsRequest(reader: ProtocolReader, version: number): ApiVersionsRequest {
  requireVersion("ApiVersionsRequest", version, 0, 3);
  const flexible = version >= 3;
  const clientSoftwareName = version >= 3 ? reader.string(true) : "";
  const clientSoftwareVersion = version >= 3 ? reader.string(true) : "";
  if (flexible) reader.skipTaggedFields();
  return {
    clientSoftwareName,
    clientSoftwareVersion,
  };
}

function writeApiVersionsResponseKey(writer: ProtocolWriter, value: ApiVersionsResponseKey, version: number): void {
  const flexible = version >= 3;
  writer.int16(value.apiKey);
  writer.int16(value.minVersion);
  writer.int16(value.maxVersion);
  if (flexible) writer.unsignedVarint(0);
}

function writeApiVersionsSupportedFeature(writer: ProtocolWriter, value: ApiVersionsSupportedFeature): void {
  writer.string(value.name, true);
  writer.int16(value.minVersion);
  writer.int16(value.maxVersion);
  writer.unsignedVarint(0);
}

function writeApiVersionsFinalizedFeature(writer: ProtocolWriter, value: ApiVersionsFinalizedFeature): void {
  writer.string(value.name, true);
  writer.int16(value.maxVersionLevel);
  writer.int16(value.minVersionLevel);
  writer.unsignedVarint(0);
}

function writeApiVersionsResponse(writer: ProtocolWriter, value: ApiVersionsResponse, version: number): void {
  requireVersion("ApiVersionsResponse", version, 0, 3);
  const flexible = version >= 3;
  writer.int16(value.errorCode);
  writer.arrayLength(value.apiKeys.length, flexible);
  for (const element of value.apiKeys) {
    writeApiVersionsResponseKey(writer, element, version);
  }
  if (version >= 1) {
    writer.int32(value.throttleTimeMs);
  }
  if (flexible) {
    const hasSupportedFeatures = value.supportedFeatures !== undefined && value.supportedFeatures.length > 0;
    const hasFinalizedFeaturesEpoch = value.finalizedFeaturesEpoch !== undefined && value.finalizedFeaturesEpoch !== -1;
    const hasFinalizedFeatures = value.finalizedFeatures !== undefined && value.finalizedFeatures.length > 0;
    const hasZkMigrationReady = value.zkMigrationReady !== undefined && value.zkMigrationReady !== false;
    writer.unsignedVarint(Number(hasSupportedFeatures) + Number(hasFinalizedFeaturesEpoch) + Number(hasFinalizedFeatures) + Number(hasZkMigrationReady));
    if (hasSupportedFeatures) {
      const start = writer.beginTaggedField(0);
      writer.arrayLength(value.supportedFeatures.length, true);
      for (const element of value.supportedFeatures) {
        writeApiVersionsSupportedFeature(writer, element);
      }
      writer.endTaggedField(start);
    }
    if (hasFinalizedFeaturesEpoch) {
      const start = writer.beginTaggedField(1);
      writer.int64(value.finalizedFeaturesEpoch);
      writer.endTaggedField(start);
    }
    if (hasFinalizedFeatures) {
      const start = writer.beginTaggedField(2);
      writer.arrayLength(value.finalizedFeatures.length, true);
      for (const element of value.finalizedFeatures) {
        writeApiVersionsFinalizedFeature(writer, element);
      }
      writer.endTaggedField(start);
    }
    if (hasZkMigrationReady) {
      const start = writer.beginTaggedField(3);
      writer.boolean(value.zkMigrationReady);
      writer.endTaggedField(start);
    }
  }
}

export const apiVersionsServer: ServerApi<ApiVersionsRequest, ApiVersionsResponse> = {
  key: 18,
  name: "ApiVersions",
  minVersion: 0,
  maxVersion: 3,
  flexibleFrom: 3,
  decodeRequest: readApiVersionsRequest,
  encodeResponse: writeApiVersionsResponse,
};
