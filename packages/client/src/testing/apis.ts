import type { ServerApi } from "../protocol/api.ts";
import type { AlterConfigsRequest, AlterConfigsResponse } from "../protocol/generated/alter-configs.ts";
import type { ApiVersionsRequest, ApiVersionsResponse } from "../protocol/generated/api-versions.ts";
import type { CreatePartitionsRequest, CreatePartitionsResponse } from "../protocol/generated/create-partitions.ts";
import type { CreateTopicsRequest, CreateTopicsResponse } from "../protocol/generated/create-topics.ts";
import type { DeleteRecordsRequest, DeleteRecordsResponse } from "../protocol/generated/delete-records.ts";
import type { DeleteTopicsRequest, DeleteTopicsResponse } from "../protocol/generated/delete-topics.ts";
import type { DescribeConfigsRequest, DescribeConfigsResponse } from "../protocol/generated/describe-configs.ts";
import type { FetchRequest, FetchResponse } from "../protocol/generated/fetch.ts";
import type {
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse,
} from "../protocol/generated/incremental-alter-configs.ts";
import type { InitProducerIdRequest, InitProducerIdResponse } from "../protocol/generated/init-producer-id.ts";
import type { ListOffsetsRequest, ListOffsetsResponse } from "../protocol/generated/list-offsets.ts";
import type { MetadataRequest, MetadataResponse } from "../protocol/generated/metadata.ts";
import type {
  OffsetForLeaderEpochRequest,
  OffsetForLeaderEpochResponse,
} from "../protocol/generated/offset-for-leader-epoch.ts";
import type { ProduceRequest, ProduceResponse } from "../protocol/generated/produce.ts";
import type { SaslAuthenticateRequest, SaslAuthenticateResponse } from "../protocol/generated/sasl-authenticate.ts";
import type { SaslHandshakeRequest, SaslHandshakeResponse } from "../protocol/generated/sasl-handshake.ts";
import { alterConfigsServer } from "./generated/alter-configs.ts";
import { apiVersionsServer } from "./generated/api-versions.ts";
import { createPartitionsServer } from "./generated/create-partitions.ts";
import { createTopicsServer } from "./generated/create-topics.ts";
import { deleteRecordsServer } from "./generated/delete-records.ts";
import { deleteTopicsServer } from "./generated/delete-topics.ts";
import { describeConfigsServer } from "./generated/describe-configs.ts";
import { fetchServer } from "./generated/fetch.ts";
import { incrementalAlterConfigsServer } from "./generated/incremental-alter-configs.ts";
import { initProducerIdServer } from "./generated/init-producer-id.ts";
import { listOffsetsServer } from "./generated/list-offsets.ts";
import { metadataServer } from "./generated/metadata.ts";
import { offsetForLeaderEpochServer } from "./generated/offset-for-leader-epoch.ts";
import { produceServer } from "./generated/produce.ts";
import { saslAuthenticateServer } from "./generated/sasl-authenticate.ts";
import { saslHandshakeServer } from "./generated/sasl-handshake.ts";

/** Request and response of each API that the embedded broker serves, by Kafka's name of the API. */
export interface EmbeddedApis {
  readonly AlterConfigs: { readonly request: AlterConfigsRequest; readonly response: AlterConfigsResponse };
  readonly ApiVersions: { readonly request: ApiVersionsRequest; readonly response: ApiVersionsResponse };
  readonly CreatePartitions: { readonly request: CreatePartitionsRequest; readonly response: CreatePartitionsResponse };
  readonly CreateTopics: { readonly request: CreateTopicsRequest; readonly response: CreateTopicsResponse };
  readonly DeleteRecords: { readonly request: DeleteRecordsRequest; readonly response: DeleteRecordsResponse };
  readonly DeleteTopics: { readonly request: DeleteTopicsRequest; readonly response: DeleteTopicsResponse };
  readonly DescribeConfigs: { readonly request: DescribeConfigsRequest; readonly response: DescribeConfigsResponse };
  readonly Fetch: { readonly request: FetchRequest; readonly response: FetchResponse };
  readonly IncrementalAlterConfigs: {
    readonly request: IncrementalAlterConfigsRequest;
    readonly response: IncrementalAlterConfigsResponse;
  };
  readonly InitProducerId: { readonly request: InitProducerIdRequest; readonly response: InitProducerIdResponse };
  readonly ListOffsets: { readonly request: ListOffsetsRequest; readonly response: ListOffsetsResponse };
  readonly Metadata: { readonly request: MetadataRequest; readonly response: MetadataResponse };
  readonly OffsetForLeaderEpoch: {
    readonly request: OffsetForLeaderEpochRequest;
    readonly response: OffsetForLeaderEpochResponse;
  };
  readonly Produce: { readonly request: ProduceRequest; readonly response: ProduceResponse };
  readonly SaslAuthenticate: { readonly request: SaslAuthenticateRequest; readonly response: SaslAuthenticateResponse };
  readonly SaslHandshake: { readonly request: SaslHandshakeRequest; readonly response: SaslHandshakeResponse };
}

export type ApiName = keyof EmbeddedApis;
export type RequestOf<Name extends ApiName> = EmbeddedApis[Name]["request"];
export type ResponseOf<Name extends ApiName> = EmbeddedApis[Name]["response"];

/** The codec of each API. */
export const serverApis: { readonly [Name in ApiName]: ServerApi<RequestOf<Name>, ResponseOf<Name>> } = {
  AlterConfigs: alterConfigsServer,
  ApiVersions: apiVersionsServer,
  CreatePartitions: createPartitionsServer,
  CreateTopics: createTopicsServer,
  DeleteRecords: deleteRecordsServer,
  DeleteTopics: deleteTopicsServer,
  DescribeConfigs: describeConfigsServer,
  Fetch: fetchServer,
  IncrementalAlterConfigs: incrementalAlterConfigsServer,
  InitProducerId: initProducerIdServer,
  ListOffsets: listOffsetsServer,
  Metadata: metadataServer,
  OffsetForLeaderEpoch: offsetForLeaderEpochServer,
  Produce: produceServer,
  SaslAuthenticate: saslAuthenticateServer,
  SaslHandshake: saslHandshakeServer,
};

export const apiNames: readonly ApiName[] = Object.keys(serverApis) as ApiName[];

const namesByKey: ReadonlyMap<number, ApiName> = new Map(apiNames.map((name) => [serverApis[name].key, name]));

/** The name of an API that the embedded broker serves. */
export function apiNameOf(apiKey: number): ApiName | undefined {
  return namesByKey.get(apiKey);
}
