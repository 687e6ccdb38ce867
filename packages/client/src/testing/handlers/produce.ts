import { KafkaError, nextBatch, type RecordBatch } from "@ktables/record-batch";
import { ErrorCode } from "../../broker-errors.ts";
import type {
  ProduceRequest,
  ProduceRequestPartition,
  ProduceResponse,
  ProduceResponsePartition,
} from "../../protocol/generated/produce.ts";
import { type Appended, appendProduced, RecordRefusal } from "../append-batch.ts";
import type { Partition } from "../partition.ts";
import { Refusal, refusalOf } from "../refusal.ts";
import type { RequestContext } from "../request-context.ts";
import type { Topic } from "../topic.ts";
import { LeaderHints, leadershipError } from "./leadership.ts";

/** First version in which a batch may be compressed with zstd (KIP-110). */
const zstdFrom = 7;
const transactionalIdAuthorizationFailed = 53;

export function handleProduce(
  request: ProduceRequest,
  context: RequestContext,
): ProduceResponse | "close" | "no answer" {
  const { cluster, version } = context;
  const hints = new LeaderHints(context);
  let failed = false;
  const responses = request.topicData.map(({ name, topicId, partitionData }) => {
    const topic = version >= 13 ? cluster.topicById(topicId) : cluster.topic(name);
    return {
      name,
      topicId,
      partitionResponses: partitionData.map((data) => {
        const partition = topic?.partitions[data.index];
        const result = refusalOf(() => append(topic, partition, data, request, context));
        failed ||= result instanceof Refusal;
        return answerPartition(data.index, partition, result, version, hints);
      }),
    };
  });
  // Without answers, a cut connection is the only way to tell the client to look for a new leader.
  if (request.acks === 0) return failed ? "close" : "no answer";
  return { responses, throttleTimeMs: 0, nodeEndpoints: version >= 10 ? hints.endpoints() : [] };
}

function append(
  topic: Topic | undefined,
  partition: Partition | undefined,
  { records }: ProduceRequestPartition,
  { acks, transactionalId }: ProduceRequest,
  context: RequestContext,
): Appended {
  if (acks < -1 || acks > 1) throw new Refusal(ErrorCode.INVALID_REQUIRED_ACKS, `acks ${acks} is not -1, 0 or 1`);
  if (topic === undefined && context.version >= 13) {
    throw new Refusal(ErrorCode.UNKNOWN_TOPIC_ID, "no topic has this id");
  }
  if (topic === undefined || partition === undefined) {
    throw new Refusal(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, "no such topic or partition");
  }
  const leadership = leadershipError(partition, -1, context);
  if (leadership !== ErrorCode.NONE) throw new Refusal(leadership, `the leader is node ${partition.leaderId}`);
  const inSync = partition.replicas.filter((replica) => context.cluster.isUp(replica)).length;
  // A partition cannot be asked for more replicas than it has (KIP-966).
  const needed = Math.min(topic.configs.getNumber("min.insync.replicas"), partition.replicas.length);
  if (acks === -1 && inSync < needed) {
    throw new Refusal(ErrorCode.NOT_ENOUGH_REPLICAS, `${inSync} replicas are in sync, ${needed} are needed`);
  }
  if (records === null) throw new Refusal(ErrorCode.INVALID_RECORD, "the request holds no record batch");
  const batch = peek(records);
  if (batch?.isTransactional === true && transactionalId === null) {
    throw new Refusal(transactionalIdAuthorizationFailed, "a transactional batch needs a transactional id");
  }
  if (batch?.compression === "zstd" && context.version < zstdFrom) {
    throw new Refusal(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, `zstd needs version ${zstdFrom} of Produce`);
  }
  return appendProduced(partition, topic.configs, records, context.cluster.rememberedBatches);
}

/** The batch, if it can be read at all; what is wrong with it is found out later. */
function peek(records: Uint8Array): RecordBatch | undefined {
  try {
    const batch = nextBatch(records, 0, { checkCrc: false });
    return batch?.compression === undefined ? undefined : batch;
  } catch (error) {
    if (error instanceof KafkaError) return undefined;
    throw error;
  }
}

function answerPartition(
  index: number,
  partition: Partition | undefined,
  result: Appended | Refusal,
  version: number,
  hints: LeaderHints,
): ProduceResponsePartition {
  const logStartOffset = partition?.log.startOffset ?? -1;
  if (!(result instanceof Refusal)) {
    const { baseOffset, logAppendTimeMs } = result;
    const errorCode = ErrorCode.NONE;
    return { index, errorCode, baseOffset, logAppendTimeMs, logStartOffset, recordErrors: [], errorMessage: null };
  }
  const { errorCode } = result;
  const answer: ProduceResponsePartition = {
    index,
    errorCode,
    baseOffset: -1,
    logAppendTimeMs: -1,
    logStartOffset,
    recordErrors: result instanceof RecordRefusal ? result.recordErrors : [],
    errorMessage: result.message,
  };
  if (errorCode !== ErrorCode.NOT_LEADER_OR_FOLLOWER || partition === undefined || version < 10) return answer;
  return { ...answer, currentLeader: hints.hint(partition) };
}
