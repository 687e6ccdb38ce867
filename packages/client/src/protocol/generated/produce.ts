// Generated from protocol-specs/produce.spec: change that file and run protocol-specs/generate.ts.
import type { Api } from "../api.ts";
import { requireVersion } from "../error.ts";
import type { ProtocolReader } from "../reader.ts";
import type { ProtocolWriter } from "../writer.ts";

export interface ProduceRequest {
  readonly transactionalId: string | null;
  /** -1 waits for all in-sync replicas, 1 for the leader, 0 for nobody: then there is no response. */
  readonly acks: number;
  /** How long the broker may wait for its replicas, in milliseconds. */
  readonly timeoutMs: number;
  readonly topicData: readonly ProduceRequestTopic[];
}

export interface ProduceRequestTopic {
  /** Up to version 12, otherwise "". */
  readonly name: string;
  /** From version 13 on, otherwise the zero id. */
  readonly topicId: string;
  readonly partitionData: readonly ProduceRequestPartition[];
}

export interface ProduceRequestPartition {
  readonly index: number;
  /** Exactly one record batch. */
  readonly records: Uint8Array | null;
}

export interface ProduceResponse {
  readonly responses: readonly ProduceResponseTopic[];
  /** How long the client should stay silent, in milliseconds. */
  readonly throttleTimeMs: number;
  /** Addresses of the leaders named above (KIP-951). From version 10 on, absent means empty. */
  readonly nodeEndpoints?: readonly ProduceResponseNodeEndpoint[] | undefined;
}

export interface ProduceResponseTopic {
  /** Up to version 12, otherwise "". */
  readonly name: string;
  /** From version 13 on, otherwise the zero id. */
  readonly topicId: string;
  readonly partitionResponses: readonly ProduceResponsePartition[];
}

export interface ProduceResponsePartition {
  readonly index: number;
  readonly errorCode: number;
  /** The offset that the first record got; -1 on an error. */
  readonly baseOffset: number;
  /** The broker's time, in milliseconds since 1970, if the topic uses LogAppendTime; otherwise -1. */
  readonly logAppendTimeMs: number;
  /** The first offset that still exists; -1 if unknown. From version 5 on, otherwise -1. */
  readonly logStartOffset: number;
  /** The records for which the batch was refused. From version 8 on, otherwise empty. */
  readonly recordErrors: readonly ProduceResponseRecordError[];
  /** From version 8 on, otherwise null. */
  readonly errorMessage: string | null;
  /** Who leads now, if this broker does not. From version 10 on, absent means all defaults. */
  readonly currentLeader?: ProduceResponseLeader | undefined;
}

export interface ProduceResponseRecordError {
  /** Counts the records of the batch from 0. */
  readonly batchIndex: number;
  readonly batchIndexErrorMessage: string | null;
}

export interface ProduceResponseLeader {
  readonly leaderId: number;
  readonly leaderEpoch: number;
}

export interface ProduceResponseNodeEndpoint {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
}

function writeProduceRequestPartition(writer: ProtocolWriter, value: ProduceRequestPartition, version: number): void {
  const flexible = version >= 9;
  writer.int32(value.index);
  writer.nullableBytes(value.records, flexible);
  if (flexible) writer.unsignedVarint(0);
}

function writeProduceRequestTopic(writer: ProtocolWriter, value: ProduceRequestTopic, version: number): void {
  const flexible = version >= 9;
  if (version <= 12) {
    writer.string(value.name, flexible);
  }
  if (version >= 13) {
    writer.uuid(value.topicId);
  }
  writer.arrayLength(value.partitionData.length, flexible);
  for (const element of value.partitionData) {
    writeProduceRequestPartition(writer, element, version);
  }
  if (flexible) writer.unsignedVarint(0);
}

function writeProduceRequest(writer: ProtocolWriter, value: ProduceRequest, version: number): void {
  requireVersion("ProduceRequest", version, 3, 13);
  const flexible = version >= 9;
  writer.nullableString(value.transactionalId, flexible);
  writer.int16(value.acks);
  writer.int32(value.timeoutMs);
  writer.arrayLength(value.topicData.length, flexible);
  for (const element of value.topicData) {
    writeProduceRequestTopic(writer, element, version);
  }
  if (flexible) writer.unsignedVarint(0);
}

function readProduceResponseRecordError(reader: ProtocolReader, version: number): ProduceResponseRecordError {
  const flexible = version >= 9;
  const batchIndex = reader.int32();
  const batchIndexErrorMessage = reader.nullableString(flexible, true);
  if (flexible) reader.skipTaggedFields();
  return {
    batchIndex,
    batchIndexErrorMessage,
  };
}

function readProduceResponseLeader(reader: ProtocolReader): ProduceResponseLeader {
  const leaderId = reader.int32();
  const leaderEpoch = reader.int32();
  reader.skipTaggedFields();
  return {
    leaderId,
    leaderEpoch,
  };
}

function readProduceResponsePartition(reader: ProtocolReader, version: number): ProduceResponsePartition {
  const flexible = version >= 9;
  const index = reader.int32();
  const errorCode = reader.int16();
  const baseOffset = reader.int64();
  const logAppendTimeMs = reader.int64();
  const logStartOffset = version >= 5 ? reader.int64() : -1;
  const recordErrorsLength = version >= 8 ? reader.arrayLength(flexible, 6) : 0;
  const recordErrors: ProduceResponseRecordError[] = [];
  for (let left = recordErrorsLength; left > 0; left--) {
    recordErrors.push(readProduceResponseRecordError(reader, version));
  }
  const errorMessage = version >= 8 ? reader.nullableString(flexible, true) : null;
  let currentLeader: ProduceResponsePartition["currentLeader"];
  if (flexible) {
    for (let left = reader.taggedFieldCount(); left > 0; left--) {
      const tag = reader.unsignedVarint();
      const end = reader.taggedFieldEnd();
      if (tag === 0 && version >= 10) {
        currentLeader = readProduceResponseLeader(reader);
      } else {
        reader.skipTaggedField(end);
      }
      reader.finishTaggedField(end);
    }
  }
  return {
    index,
    errorCode,
    baseOffset,
    logAppendTimeMs,
    logStartOffset,
    recordErrors,
    errorMessage,
    currentLeader,
  };
}

function readProduceResponseTopic(reader: ProtocolReader, version: number): ProduceResponseTopic {
  const flexible = version >= 9;
  const name = version <= 12 ? reader.string(flexible) : "";
  const topicId = version >= 13 ? reader.uuid() : "AAAAAAAAAAAAAAAAAAAAAA";
  const partitionResponsesLength = reader.arrayLength(flexible, 22);
  const partitionResponses: ProduceResponsePartition[] = [];
  for (let left = partitionResponsesLength; left > 0; left--) {
    partitionResponses.push(readProduceResponsePartition(reader, version));
  }
  if (flexible) reader.skipTaggedFields();
  return {
    name,
    topicId,
    partitionResponses,
  };
}

function readProduceResponseNodeEndpoint(reader: ProtocolReader): ProduceResponseNodeEndpoint {
  const nodeId = reader.int32();
  const host = reader.string(true);
  const port = reader.int32();
  const rack = reader.nullableString(true);
  reader.skipTaggedFields();
  return {
    nodeId,
    host,
    port,
    rack,
  };
}

function readProduceResponse(reader: ProtocolReader, version: number): ProduceResponse {
  requireVersion("ProduceResponse", version, 3, 13);
  const flexible = version >= 9;
  const responsesLength = reader.arrayLength(flexible, 3);
  const responses: ProduceResponseTopic[] = [];
  for (let left = responsesLength; left > 0; left--) {
    responses.push(readProduceResponseTopic(reader, version));
  }
  const throttleTimeMs = reader.int32();
  let nodeEndpoints: ProduceResponse["nodeEndpoints"];
  if (flexible) {
    for (let left = reader.taggedFieldCount(); left > 0; left--) {
      const tag = reader.unsignedVarint();
      const end = reader.taggedFieldEnd();
      if (tag === 0 && version >= 10) {
        const elements: ProduceResponseNodeEndpoint[] = [];
        for (let rest = reader.arrayLength(true, 11); rest > 0; rest--) {
          elements.push(readProduceResponseNodeEndpoint(reader));
        }
        nodeEndpoints = elements;
      } else {
        reader.skipTaggedField(end);
      }
      reader.finishTaggedField(end);
    }
  }
  return {
    responses,
    throttleTimeMs,
    nodeEndpoints,
  };
}

export const produceApi: Api<ProduceRequest, ProduceResponse> = {
  key: 0,
  name: "Produce",
  versions: [3, 5, 7, 8, 9, 10, 12, 13],
  flexibleFrom: 9,
  encodeRequest: writeProduceRequest,
  decodeResponse: readProduceResponse,
};
