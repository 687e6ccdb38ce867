// Generated from protocol-specs/metadata.spec: change that file and run protocol-specs/generate.ts.
import type { Api } from "../api.ts";
import { fieldNotInVersion, requireNonNull, requireVersion } from "../error.ts";
import type { ProtocolReader } from "../reader.ts";
import type { ProtocolWriter } from "../writer.ts";

export interface MetadataRequest {
  /** Null asks for all topics, an empty array for none. */
  readonly topics: readonly MetadataRequestTopic[] | null;
  /**
   * Whether a broker with auto.create.topics.enable may create missing topics. From version 4 on, otherwise true.
   */
  readonly allowAutoTopicCreation: boolean;
  /** In versions 8 to 10, otherwise false. */
  readonly includeClusterAuthorizedOperations: boolean;
  /** From version 8 on, otherwise false. */
  readonly includeTopicAuthorizedOperations: boolean;
}

export interface MetadataRequestTopic {
  /** Set instead of the name to ask by id; the zero id otherwise. From version 10 on, otherwise the zero id. */
  readonly topicId: string;
  /** Nullable from version 10 on. */
  readonly name: string | null;
}

export interface MetadataResponse {
  /** How long the client should stay silent, in milliseconds. From version 3 on, otherwise 0. */
  readonly throttleTimeMs: number;
  readonly brokers: readonly MetadataResponseBroker[];
  readonly clusterId: string | null;
  /** -1 if unknown; under KRaft some broker, not the controller itself. */
  readonly controllerId: number;
  readonly topics: readonly MetadataResponseTopic[];
  /**
   * Bit field of ACL operations; the default means it was not asked for. In versions 8 to 10, otherwise
   * -2147483648.
   */
  readonly clusterAuthorizedOperations: number;
  /**
   * 129 tells the client to start again from its bootstrap servers (KIP-1102). From version 13 on, otherwise 0.
   */
  readonly errorCode: number;
}

export interface MetadataResponseBroker {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  /** Null if the broker has no rack. */
  readonly rack: string | null;
}

export interface MetadataResponseTopic {
  readonly errorCode: number;
  /** Null if asked for by an id that no topic has. Nullable from version 12 on. */
  readonly name: string | null;
  /**
   * The zero id if the topic is unknown or the cluster has no topic ids. From version 10 on, otherwise the zero id.
   */
  readonly topicId: string;
  readonly isInternal: boolean;
  readonly partitions: readonly MetadataResponsePartition[];
  /**
   * Bit field of ACL operations; the default means it was not asked for. From version 8 on, otherwise -2147483648.
   */
  readonly topicAuthorizedOperations: number;
}

export interface MetadataResponsePartition {
  readonly errorCode: number;
  readonly partitionIndex: number;
  /** -1 while there is no leader. */
  readonly leaderId: number;
  /** -1 if unknown. From version 7 on, otherwise -1. */
  readonly leaderEpoch: number;
  readonly replicaNodes: readonly number[];
  /** In-sync replicas. */
  readonly isrNodes: readonly number[];
  /** From version 5 on, otherwise empty. */
  readonly offlineReplicas: readonly number[];
}

function writeMetadataRequestTopic(writer: ProtocolWriter, value: MetadataRequestTopic, version: number): void {
  const flexible = version >= 9;
  if (version >= 10) {
    writer.uuid(value.topicId);
  }
  if (version >= 10) writer.nullableString(value.name, flexible);
  else writer.string(requireNonNull(value.name, "MetadataRequestTopic.name", version), flexible);
  if (flexible) writer.unsignedVarint(0);
}

function writeMetadataRequest(writer: ProtocolWriter, value: MetadataRequest, version: number): void {
  requireVersion("MetadataRequest", version, 2, 13);
  const flexible = version >= 9;
  if (value.topics === null) {
    writer.nullArray(flexible);
  } else {
    writer.arrayLength(value.topics.length, flexible);
    for (const element of value.topics) {
      writeMetadataRequestTopic(writer, element, version);
    }
  }
  if (version >= 4) {
    writer.boolean(value.allowAutoTopicCreation);
  } else if (value.allowAutoTopicCreation !== true) {
    throw fieldNotInVersion("MetadataRequest.allowAutoTopicCreation", version);
  }
  if (version >= 8 && version <= 10) {
    writer.boolean(value.includeClusterAuthorizedOperations);
  } else if (value.includeClusterAuthorizedOperations !== false) {
    throw fieldNotInVersion("MetadataRequest.includeClusterAuthorizedOperations", version);
  }
  if (version >= 8) {
    writer.boolean(value.includeTopicAuthorizedOperations);
  } else if (value.includeTopicAuthorizedOperations !== false) {
    throw fieldNotInVersion("MetadataRequest.includeTopicAuthorizedOperations", version);
  }
  if (flexible) writer.unsignedVarint(0);
}

function readMetadataResponseBroker(reader: ProtocolReader, version: number): MetadataResponseBroker {
  const flexible = version >= 9;
  const nodeId = reader.int32();
  const host = reader.string(flexible);
  const port = reader.int32();
  const rack = reader.nullableString(flexible);
  if (flexible) reader.skipTaggedFields();
  return {
    nodeId,
    host,
    port,
    rack,
  };
}

function readMetadataResponsePartition(reader: ProtocolReader, version: number): MetadataResponsePartition {
  const flexible = version >= 9;
  const errorCode = reader.int16();
  const partitionIndex = reader.int32();
  const leaderId = reader.int32();
  const leaderEpoch = version >= 7 ? reader.int32() : -1;
  const replicaNodesLength = reader.arrayLength(flexible, 4);
  const replicaNodes: number[] = [];
  for (let left = replicaNodesLength; left > 0; left--) {
    replicaNodes.push(reader.int32());
  }
  const isrNodesLength = reader.arrayLength(flexible, 4);
  const isrNodes: number[] = [];
  for (let left = isrNodesLength; left > 0; left--) {
    isrNodes.push(reader.int32());
  }
  const offlineReplicasLength = version >= 5 ? reader.arrayLength(flexible, 4) : 0;
  const offlineReplicas: number[] = [];
  for (let left = offlineReplicasLength; left > 0; left--) {
    offlineReplicas.push(reader.int32());
  }
  if (flexible) reader.skipTaggedFields();
  return {
    errorCode,
    partitionIndex,
    leaderId,
    leaderEpoch,
    replicaNodes,
    isrNodes,
    offlineReplicas,
  };
}

function readMetadataResponseTopic(reader: ProtocolReader, version: number): MetadataResponseTopic {
  const flexible = version >= 9;
  const errorCode = reader.int16();
  const name = (version >= 12 ? reader.nullableString(flexible) : reader.string(flexible));
  const topicId = version >= 10 ? reader.uuid() : "AAAAAAAAAAAAAAAAAAAAAA";
  const isInternal = reader.boolean();
  const partitionsLength = reader.arrayLength(flexible, 18);
  const partitions: MetadataResponsePartition[] = [];
  for (let left = partitionsLength; left > 0; left--) {
    partitions.push(readMetadataResponsePartition(reader, version));
  }
  const topicAuthorizedOperations = version >= 8 ? reader.int32() : -2147483648;
  if (flexible) reader.skipTaggedFields();
  return {
    errorCode,
    name,
    topicId,
    isInternal,
    partitions,
    topicAuthorizedOperations,
  };
}

function readMetadataResponse(reader: ProtocolReader, version: number): MetadataResponse {
  requireVersion("MetadataResponse", version, 2, 13);
  const flexible = version >= 9;
  const throttleTimeMs = version >= 3 ? reader.int32() : 0;
  const brokersLength = reader.arrayLength(flexible, 11);
  const brokers: MetadataResponseBroker[] = [];
  for (let left = brokersLength; left > 0; left--) {
    brokers.push(readMetadataResponseBroker(reader, version));
  }
  const clusterId = reader.nullableString(flexible);
  const controllerId = reader.int32();
  const topicsLength = reader.arrayLength(flexible, 9);
  const topics: MetadataResponseTopic[] = [];
  for (let left = topicsLength; left > 0; left--) {
    topics.push(readMetadataResponseTopic(reader, version));
  }
  const clusterAuthorizedOperations = version >= 8 && version <= 10 ? reader.int32() : -2147483648;
  const errorCode = version >= 13 ? reader.int16() : 0;
  if (flexible) reader.skipTaggedFields();
  return {
    throttleTimeMs,
    brokers,
    clusterId,
    controllerId,
    topics,
    clusterAuthorizedOperations,
    errorCode,
  };
}

export const metadataApi: Api<MetadataRequest, MetadataResponse> = {
  key: 3,
  name: "Metadata",
  versions: [2, 4, 5, 7, 9, 10, 12, 13],
  flexibleFrom: 9,
  encodeRequest: writeMetadataRequest,
  decodeResponse: readMetadataResponse,
};
