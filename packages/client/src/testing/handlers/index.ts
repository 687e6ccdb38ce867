import type { ApiName, RequestOf, ResponseOf } from "../apis.ts";
import type { Handler } from "../request-context.ts";
import { handleAlterConfigs } from "./alter-configs.ts";
import { handleApiVersions } from "./api-versions.ts";
import { handleCreatePartitions } from "./create-partitions.ts";
import { handleCreateTopics } from "./create-topics.ts";
import { handleDeleteRecords } from "./delete-records.ts";
import { handleDeleteTopics } from "./delete-topics.ts";
import { handleDescribeConfigs } from "./describe-configs.ts";
import { handleFetch } from "./fetch.ts";
import { handleIncrementalAlterConfigs } from "./incremental-alter-configs.ts";
import { handleInitProducerId } from "./init-producer-id.ts";
import { handleListOffsets } from "./list-offsets.ts";
import { handleMetadata } from "./metadata.ts";
import { handleOffsetForLeaderEpoch } from "./offset-for-leader-epoch.ts";
import { handleProduce } from "./produce.ts";
import { handleSaslAuthenticate, handleSaslHandshake } from "./sasl.ts";

export const handlers: { readonly [Name in ApiName]: Handler<RequestOf<Name>, ResponseOf<Name>> } = {
  AlterConfigs: handleAlterConfigs,
  ApiVersions: handleApiVersions,
  CreatePartitions: handleCreatePartitions,
  CreateTopics: handleCreateTopics,
  DeleteRecords: handleDeleteRecords,
  DeleteTopics: handleDeleteTopics,
  DescribeConfigs: handleDescribeConfigs,
  Fetch: handleFetch,
  IncrementalAlterConfigs: handleIncrementalAlterConfigs,
  InitProducerId: handleInitProducerId,
  ListOffsets: handleListOffsets,
  Metadata: handleMetadata,
  OffsetForLeaderEpoch: handleOffsetForLeaderEpoch,
  Produce: handleProduce,
  SaslAuthenticate: handleSaslAuthenticate,
  SaslHandshake: handleSaslHandshake,
};
