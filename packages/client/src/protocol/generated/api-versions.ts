// Generated from protocol-specs/api-versions.spec: change that file and run protocol-specs/generate.ts.
import type { Api } from "../api.ts";
import { requireVersion } from "../error.ts";
import type { ProtocolReader } from "../reader.ts";
import type { ProtocolWriter } from "../writer.ts";

export interface ApiVersionsRequest {
  /**
   * Letters, digits, dots and dashes, starting and ending with a letter or digit; anything else is INVALID_REQUEST.
   * From version 3 on, otherwise "".
   */
  readonly clientSoftwareName: string;
  /** Same alphabet as the name. From version 3 on, otherwise "". */
  readonly clientSoftwareVersion: string;
}

export interface ApiVersionsResponse {
  readonly errorCode: number;
  /** Every API the broker serves. */
  readonly apiKeys: readonly ApiVersionsResponseKey[];
  /**
   * How long the client should stay silent, in milliseconds; 0 if no quota was exceeded (KIP-219). From version 1
   * on, otherwise 0.
   */
  readonly throttleTimeMs: number;
  /** Cluster features the broker could run (KIP-584). From version 3 on, absent means empty. */
  readonly supportedFeatures?: readonly ApiVersionsSupportedFeature[] | undefined;
  /** Rises with every change of the finalized features; -1 if unknown. From version 3 on, absent means -1. */
  readonly finalizedFeaturesEpoch?: number | undefined;
  /** Cluster features in force. From version 3 on, absent means empty. */
  readonly finalizedFeatures?: readonly ApiVersionsFinalizedFeature[] | undefined;
  /** Only meaningful between KRaft controllers of Kafka 3. From version 3 on, absent means false. */
  readonly zkMigrationReady?: boolean | undefined;
}

export interface ApiVersionsResponseKey {
  readonly apiKey: number;
  /** Lowest version served. */
  readonly minVersion: number;
  /** Highest version served. */
  readonly maxVersion: number;
}

export interface ApiVersionsSupportedFeature {
  readonly name: string;
  readonly minVersion: number;
  readonly maxVersion: number;
}

export interface ApiVersionsFinalizedFeature {
  readonly name: string;
  readonly maxVersionLevel: number;
  readonly minVersionLevel: number;
}

function writeApiVersionsRequest(writer: ProtocolWriter, value: ApiVersionsRequest, version: number): void {
  requireVersion("ApiVersionsRequest", version, 0, 3);
  const flexible = version >= 3;
  if (version >= 3) {
    writer.string(value.clientSoftwareName, true);
  }
  if (version >= 3) {
    writer.string(value.clientSoftwareVersion, true);
  }
  if (flexible) writer.unsignedVarint(0);
}

function readApiVersionsResponseKey(reader: ProtocolReader, version: number): ApiVersionsResponseKey {
  const flexible = version >= 3;
  const apiKey = reader.int16();
  const minVersion = reader.int16();
  const maxVersion = reader.int16();
  if (flexible) reader.skipTaggedFields();
  return {
    apiKey,
    minVersion,
    maxVersion,
  };
}

function readApiVersionsSupportedFeature(reader: ProtocolReader): ApiVersionsSupportedFeature {
  const name = reader.string(true);
  const minVersion = reader.int16();
  const maxVersion = reader.int16();
  reader.skipTaggedFields();
  return {
    name,
    minVersion,
    maxVersion,
  };
}

function readApiVersionsFinalizedFeature(reader: ProtocolReader): ApiVersionsFinalizedFeature {
  const name = reader.string(true);
  const maxVersionLevel = reader.int16();
  const minVersionLevel = reader.int16();
  reader.skipTaggedFields();
  return {
    name,
    maxVersionLevel,
    minVersionLevel,
  };
}

function readApiVersionsResponse(reader: ProtocolReader, version: number): ApiVersionsResponse {
  requireVersion("ApiVersionsResponse", version, 0, 3);
  const flexible = version >= 3;
  const errorCode = reader.int16();
  const apiKeysLength = reader.arrayLength(flexible, 6);
  const apiKeys: ApiVersionsResponseKey[] = [];
  for (let left = apiKeysLength; left > 0; left--) {
    apiKeys.push(readApiVersionsResponseKey(reader, version));
  }
  const throttleTimeMs = version >= 1 ? reader.int32() : 0;
  let supportedFeatures: ApiVersionsResponse["supportedFeatures"];
  let finalizedFeaturesEpoch: ApiVersionsResponse["finalizedFeaturesEpoch"];
  let finalizedFeatures: ApiVersionsResponse["finalizedFeatures"];
  let zkMigrationReady: ApiVersionsResponse["zkMigrationReady"];
  if (flexible) {
    for (let left = reader.taggedFieldCount(); left > 0; left--) {
      const tag = reader.unsignedVarint();
      const end = reader.taggedFieldEnd();
      if (tag === 0) {
        const elements: ApiVersionsSupportedFeature[] = [];
        for (let rest = reader.arrayLength(true, 6); rest > 0; rest--) {
          elements.push(readApiVersionsSupportedFeature(reader));
        }
        supportedFeatures = elements;
      } else if (tag === 1) {
        finalizedFeaturesEpoch = reader.int64();
      } else if (tag === 2) {
        const elements: ApiVersionsFinalizedFeature[] = [];
        for (let rest = reader.arrayLength(true, 6); rest > 0; rest--) {
          elements.push(readApiVersionsFinalizedFeature(reader));
        }
        finalizedFeatures = elements;
      } else if (tag === 3) {
        zkMigrationReady = reader.boolean();
      } else {
        reader.skipTaggedField(end);
      }
      reader.finishTaggedField(end);
    }
  }
  return {
    errorCode,
    apiKeys,
    throttleTimeMs,
    supportedFeatures,
    finalizedFeaturesEpoch,
    finalizedFeatures,
    zkMigrationReady,
  };
}

export const apiVersionsApi: Api<ApiVersionsRequest, ApiVersionsResponse> = {
  key: 18,
  name: "ApiVersions",
  versions: [0, 3],
  flexibleFrom: 3,
  encodeRequest: writeApiVersionsRequest,
  decodeResponse: readApiVersionsResponse,
};
