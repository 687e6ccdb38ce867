/** What is known about a broker's error code. */
export interface BrokerErrorFacts {
  /** Kafka's own name, e.g. `NOT_LEADER_OR_FOLLOWER`. */
  readonly name: string;
  /** Whether Kafka calls it retriable: the same request may succeed later. */
  readonly retriable: boolean;
  /** Whether it says that the metadata behind the request is stale. */
  readonly refreshMetadata: boolean;
  readonly description: string;
}

/** The names of the codes from -1 upward, in order (Kafka 4.4). */
const names = `
  UNKNOWN_SERVER_ERROR NONE OFFSET_OUT_OF_RANGE CORRUPT_MESSAGE UNKNOWN_TOPIC_OR_PARTITION INVALID_FETCH_SIZE
  LEADER_NOT_AVAILABLE NOT_LEADER_OR_FOLLOWER REQUEST_TIMED_OUT BROKER_NOT_AVAILABLE REPLICA_NOT_AVAILABLE
  MESSAGE_TOO_LARGE STALE_CONTROLLER_EPOCH OFFSET_METADATA_TOO_LARGE NETWORK_EXCEPTION COORDINATOR_LOAD_IN_PROGRESS
  COORDINATOR_NOT_AVAILABLE NOT_COORDINATOR INVALID_TOPIC_EXCEPTION RECORD_LIST_TOO_LARGE NOT_ENOUGH_REPLICAS
  NOT_ENOUGH_REPLICAS_AFTER_APPEND INVALID_REQUIRED_ACKS ILLEGAL_GENERATION INCONSISTENT_GROUP_PROTOCOL
  INVALID_GROUP_ID UNKNOWN_MEMBER_ID INVALID_SESSION_TIMEOUT REBALANCE_IN_PROGRESS INVALID_COMMIT_OFFSET_SIZE
  TOPIC_AUTHORIZATION_FAILED GROUP_AUTHORIZATION_FAILED CLUSTER_AUTHORIZATION_FAILED INVALID_TIMESTAMP
  UNSUPPORTED_SASL_MECHANISM ILLEGAL_SASL_STATE UNSUPPORTED_VERSION TOPIC_ALREADY_EXISTS INVALID_PARTITIONS
  INVALID_REPLICATION_FACTOR INVALID_REPLICA_ASSIGNMENT INVALID_CONFIG NOT_CONTROLLER INVALID_REQUEST
  UNSUPPORTED_FOR_MESSAGE_FORMAT POLICY_VIOLATION OUT_OF_ORDER_SEQUENCE_NUMBER DUPLICATE_SEQUENCE_NUMBER
  INVALID_PRODUCER_EPOCH INVALID_TXN_STATE INVALID_PRODUCER_ID_MAPPING INVALID_TRANSACTION_TIMEOUT
  CONCURRENT_TRANSACTIONS TRANSACTION_COORDINATOR_FENCED TRANSACTIONAL_ID_AUTHORIZATION_FAILED SECURITY_DISABLED
  OPERATION_NOT_ATTEMPTED KAFKA_STORAGE_ERROR LOG_DIR_NOT_FOUND SASL_AUTHENTICATION_FAILED UNKNOWN_PRODUCER_ID
  REASSIGNMENT_IN_PROGRESS DELEGATION_TOKEN_AUTH_DISABLED DELEGATION_TOKEN_NOT_FOUND DELEGATION_TOKEN_OWNER_MISMATCH
  DELEGATION_TOKEN_REQUEST_NOT_ALLOWED DELEGATION_TOKEN_AUTHORIZATION_FAILED DELEGATION_TOKEN_EXPIRED
  INVALID_PRINCIPAL_TYPE NON_EMPTY_GROUP GROUP_ID_NOT_FOUND FETCH_SESSION_ID_NOT_FOUND INVALID_FETCH_SESSION_EPOCH
  LISTENER_NOT_FOUND TOPIC_DELETION_DISABLED FENCED_LEADER_EPOCH UNKNOWN_LEADER_EPOCH UNSUPPORTED_COMPRESSION_TYPE
  STALE_BROKER_EPOCH OFFSET_NOT_AVAILABLE MEMBER_ID_REQUIRED PREFERRED_LEADER_NOT_AVAILABLE GROUP_MAX_SIZE_REACHED
  FENCED_INSTANCE_ID ELIGIBLE_LEADERS_NOT_AVAILABLE ELECTION_NOT_NEEDED NO_REASSIGNMENT_IN_PROGRESS
  GROUP_SUBSCRIBED_TO_TOPIC INVALID_RECORD UNSTABLE_OFFSET_COMMIT THROTTLING_QUOTA_EXCEEDED PRODUCER_FENCED
  RESOURCE_NOT_FOUND DUPLICATE_RESOURCE UNACCEPTABLE_CREDENTIAL INCONSISTENT_VOTER_SET INVALID_UPDATE_VERSION
  FEATURE_UPDATE_FAILED PRINCIPAL_DESERIALIZATION_FAILURE SNAPSHOT_NOT_FOUND POSITION_OUT_OF_RANGE UNKNOWN_TOPIC_ID
  DUPLICATE_BROKER_REGISTRATION BROKER_ID_NOT_REGISTERED INCONSISTENT_TOPIC_ID INCONSISTENT_CLUSTER_ID
  TRANSACTIONAL_ID_NOT_FOUND FETCH_SESSION_TOPIC_ID_ERROR INELIGIBLE_REPLICA NEW_LEADER_ELECTED
  OFFSET_MOVED_TO_TIERED_STORAGE FENCED_MEMBER_EPOCH UNRELEASED_INSTANCE_ID UNSUPPORTED_ASSIGNOR STALE_MEMBER_EPOCH
  MISMATCHED_ENDPOINT_TYPE UNSUPPORTED_ENDPOINT_TYPE UNKNOWN_CONTROLLER_ID UNKNOWN_SUBSCRIPTION_ID TELEMETRY_TOO_LARGE
  INVALID_REGISTRATION TRANSACTION_ABORTABLE INVALID_RECORD_STATE SHARE_SESSION_NOT_FOUND INVALID_SHARE_SESSION_EPOCH
  FENCED_STATE_EPOCH INVALID_VOTER_KEY DUPLICATE_VOTER VOTER_NOT_FOUND INVALID_REGULAR_EXPRESSION REBOOTSTRAP_REQUIRED
  STREAMS_INVALID_TOPOLOGY STREAMS_INVALID_TOPOLOGY_EPOCH STREAMS_TOPOLOGY_FENCED SHARE_SESSION_LIMIT_REACHED
  GROUP_DELETION_FAILED STREAMS_TOPOLOGY_DESCRIPTION_UPDATE_FAILED CONTROLLER_ID_NOT_REGISTERED
`
  .trim()
  .split(/\s+/);

const retriableCodes: ReadonlySet<number> = new Set([
  2, 3, 5, 6, 7, 9, 13, 14, 15, 16, 19, 20, 41, 51, 56, 70, 71, 72, 74, 75, 78, 80, 83, 84, 88, 89, 100, 103, 106, 122,
  123, 133,
]);

/** Errors that Kafka derives from InvalidMetadataException. */
const staleMetadataCodes: ReadonlySet<number> = new Set([3, 5, 6, 9, 13, 56, 72, 74, 80, 83, 84, 100, 103]);

const descriptions: ReadonlyMap<number, string> = new Map([
  [-1, "the broker failed in a way it has no code for; its log says more"],
  [0, "no error"],
  [1, "the requested offset is not in the log: it was deleted, or never written"],
  [2, "the batch was damaged, or is invalid for this topic"],
  [3, "the broker does not host this topic or partition, or it does not exist"],
  [5, "the partition has no leader at the moment"],
  [6, "the broker does not lead this partition any more"],
  [7, "the broker did not finish in the time that the request gave it"],
  [9, "the replica is not available on this broker"],
  [10, "the batch is larger than the topic or the broker accepts (max.message.bytes)"],
  [17, "the topic name is not valid, or the topic is internal"],
  [18, "the batch is larger than a log segment"],
  [19, "fewer replicas are in sync than min.insync.replicas asks for"],
  [20, "the batch was written, but to fewer in-sync replicas than min.insync.replicas asks for"],
  [21, "acks must be -1, 0 or 1"],
  [29, "not authorized for this topic (or the topic does not exist: brokers do not tell these apart)"],
  [31, "not authorized for this operation on the cluster"],
  [33, "the broker does not enable this SASL mechanism"],
  [35, "the broker does not support this version of the API"],
  [36, "a topic of this name exists already"],
  [37, "the number of partitions is not valid"],
  [38, "the replication factor is not valid, or there are fewer brokers than that"],
  [40, "a topic configuration is not valid"],
  [41, "this broker is not the controller"],
  [42, "the broker found the request malformed"],
  [44, "the request violates a policy of the cluster"],
  [45, "the sequence number does not follow the last one that the broker has seen from this producer"],
  [46, "the batch had been written before"],
  [47, "the producer's epoch is older than one that the broker knows"],
  [56, "the broker has a problem with its disk"],
  [58, "authentication failed"],
  [59, "the broker has forgotten this producer"],
  [74, "the leader epoch of the request is older than the broker's"],
  [75, "the leader epoch of the request is newer than the broker's"],
  [76, "the topic's compression cannot be read with this version of the API"],
  [78, "the new leader does not yet know how far the log is committed"],
  [87, "the broker refused a record: for instance one without a key in a compacted topic"],
  [89, "the quota for topic changes is used up; try again later"],
  [90, "a newer producer with the same transactional id has taken over"],
  [100, "no topic has this id on the broker: it was deleted, and perhaps created again"],
  [103, "the topic id does not belong to this topic any more"],
  [129, "the broker asks clients to start over from their bootstrap servers"],
]);

/** Named codes that the code branches on. */
export const ErrorCode = {
  UNKNOWN_SERVER_ERROR: -1,
  NONE: 0,
  OFFSET_OUT_OF_RANGE: 1,
  CORRUPT_MESSAGE: 2,
  UNKNOWN_TOPIC_OR_PARTITION: 3,
  LEADER_NOT_AVAILABLE: 5,
  NOT_LEADER_OR_FOLLOWER: 6,
  REQUEST_TIMED_OUT: 7,
  REPLICA_NOT_AVAILABLE: 9,
  MESSAGE_TOO_LARGE: 10,
  INVALID_TOPIC_EXCEPTION: 17,
  RECORD_LIST_TOO_LARGE: 18,
  NOT_ENOUGH_REPLICAS: 19,
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: 20,
  INVALID_REQUIRED_ACKS: 21,
  TOPIC_AUTHORIZATION_FAILED: 29,
  CLUSTER_AUTHORIZATION_FAILED: 31,
  UNSUPPORTED_SASL_MECHANISM: 33,
  ILLEGAL_SASL_STATE: 34,
  UNSUPPORTED_VERSION: 35,
  TOPIC_ALREADY_EXISTS: 36,
  INVALID_PARTITIONS: 37,
  INVALID_REPLICATION_FACTOR: 38,
  INVALID_CONFIG: 40,
  NOT_CONTROLLER: 41,
  INVALID_REQUEST: 42,
  POLICY_VIOLATION: 44,
  OUT_OF_ORDER_SEQUENCE_NUMBER: 45,
  DUPLICATE_SEQUENCE_NUMBER: 46,
  INVALID_PRODUCER_EPOCH: 47,
  KAFKA_STORAGE_ERROR: 56,
  SASL_AUTHENTICATION_FAILED: 58,
  UNKNOWN_PRODUCER_ID: 59,
  FENCED_LEADER_EPOCH: 74,
  UNKNOWN_LEADER_EPOCH: 75,
  UNSUPPORTED_COMPRESSION_TYPE: 76,
  OFFSET_NOT_AVAILABLE: 78,
  INVALID_RECORD: 87,
  THROTTLING_QUOTA_EXCEEDED: 89,
  PRODUCER_FENCED: 90,
  UNKNOWN_TOPIC_ID: 100,
  INCONSISTENT_TOPIC_ID: 103,
  REBOOTSTRAP_REQUIRED: 129,
} as const;

/** Never fails: a code newer than this table is called `UNKNOWN_ERROR_<code>` and counts as not retriable. */
export function brokerErrorFacts(errorCode: number): BrokerErrorFacts {
  const name = names[errorCode + 1];
  return {
    name: name ?? `UNKNOWN_ERROR_${errorCode}`,
    retriable: retriableCodes.has(errorCode),
    refreshMetadata: staleMetadataCodes.has(errorCode),
    description: descriptions.get(errorCode) ?? (name ?? "unknown error").toLowerCase().replaceAll("_", " "),
  };
}
