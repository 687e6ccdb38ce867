// Generated from protocol-specs/delete-topics.spec: change that file and run protocol-specs/generate.ts.
import type { Api } from "../api.ts";
import { fieldNotInVersion, requireVersion } from "../error.ts";
import type { ProtocolReader } from "../reader.ts";
import type { ProtocolWriter } from "../writer.ts";

export interface DeleteTopicsRequest {
  /** From version 6 on, otherwise empty. */
  readonly topics: readonly DeleteTopicsRequestTopic[];
  /** Up to version 5, otherwise empty. */
  readonly topicNames: readonly string[];
  /** How long the broker may wait for the controller, in milliseconds. */
  readonly timeoutMs: number;
}

export interface DeleteTopicsRequestTopic {
  /** Null to delete by id. */
  readonly name: string | null;
  readonly topicId: string;
}

export interface DeleteTopicsResponse {
  /** How long the client should stay silent, in milliseconds. */
  readonly throttleTimeMs: number;
  readonly responses: readonly DeleteTopicsResponseTopic[];
}

export interface DeleteTopicsResponseTopic {
  /** Nullable from version 6 on. */
  readonly name: string | null;
  /** From version 6 on, otherwise the zero id. */
  readonly topicId: string;
  readonly errorCode: number;
  /** From version 5 on, otherwise null. */
  readonly errorMessage: string | null;
}

function writeDeleteTopicsRequestTopic(writer: ProtocolWriter, value: DeleteTopicsRequestTopic): void {
  writer.nullableString(value.name, true);
  writer.uuid(value.topicId);
  writer.unsignedVarint(0);
}

function writeDeleteTopicsRequest(writer: ProtocolWriter, value: DeleteTopicsRequest, version: number): void {
  requireVersion("DeleteTopicsRequest", version, 1, 6);
  const flexible = version >= 4;
  if (version >= 6) {
    writer.arrayLength(value.topics.length, true);
    for (const element of value.topics) {
      writeDeleteTopicsRequestTopic(writer, element);
    }
  } else if (value.topics.length > 0) {
    throw fieldNotInVersion("DeleteTopicsRequest.topics", version);
  }
  if (version <= 5) {
    writer.arrayLength(value.topicNames.length, flexible);
    for (const element of value.topicNames) {
      writer.string(element, flexible);
    }
  }
  writer.int32(value.timeoutMs);
  if (flexible) writer.unsignedVarint(0);
}

function readDeleteTopicsResponseTopic(reader: ProtocolReader, version: number): DeleteTopicsResponseTopic {
  const flexible = version >= 4;
  const name = (version >= 6 ? reader.nullableString(flexible) : reader.string(flexible));
  const topicId = version >= 6 ? reader.uuid() : "AAAAAAAAAAAAAAAAAAAAAA";
  const errorCode = reader.int16();
  const errorMessage = version >= 5 ? reader.nullableString(true, true) : null;
  if (flexible) reader.skipTaggedFields();
  return {
    name,
    topicId,
    errorCode,
    errorMessage,
  };
}

function readDeleteTopicsResponse(reader: ProtocolReader, version: number): DeleteTopicsResponse {
  requireVersion("DeleteTopicsResponse", version, 1, 6);
  const flexible = version >= 4;
  const throttleTimeMs = reader.int32();
  const responsesLength = reader.arrayLength(flexible, 4);
  const responses: DeleteTopicsResponseTopic[] = [];
  for (let left = responsesLength; left > 0; left--) {
    responses.push(readDeleteTopicsResponseTopic(reader, version));
  }
  if (flexible) reader.skipTaggedFields();
  return {
    throttleTimeMs,
    responses,
  };
}

export const deleteTopicsApi: Api<DeleteTopicsRequest, DeleteTopicsResponse> = {
  key: 20,
  name: "DeleteTopics",
  versions: [1, 2, 3, 4, 5],
  flexibleFrom: 4,
  encodeRequest: writeDeleteTopicsRequest,
  decodeResponse: readDeleteTopicsResponse,
};
