// Generated from protocol-specs/delete-topics.spec: change that file and run protocol-specs/generate.ts.
import type { ServerApi } from "../../protocol/api.ts";
import { requireNonNull, requireVersion } from "../../protocol/error.ts";
import type {
  DeleteTopicsRequest,
  DeleteTopicsRequestTopic,
  DeleteTopicsResponse,
  DeleteTopicsResponseTopic,
} from "../../protocol/generated/delete-topics.ts";
import type { ProtocolReader } from "../../protocol/reader.ts";
import type { ProtocolWriter } from "../../protocol/writer.ts";

function readDeleteTopicsRequestTopic(reader: ProtocolReader): DeleteTopicsRequestTopic {
  const name = reader.nullableString(true);
  const topicId = reader.uuid();
  reader.skipTaggedFields();
  return {
    name,
    topicId,
  };
}

function readDeleteTopicsRequest(reader: ProtocolReader, version: number): DeleteTopicsRequest {
  requireVersion("DeleteTopicsRequest", version, 1, 6);
  const flexible = version >= 4;
  const topicsLength = version >= 6 ? reader.arrayLength(true, 18) : 0;
  const topics: DeleteTopicsRequestTopic[] = [];
  for (let left = topicsLength; left > 0; left--) {
    topics.push(readDeleteTopicsRequestTopic(reader));
  }
  const topicNamesLength = version <= 5 ? reader.arrayLength(flexible, 1) : 0;
  const topicNames: string[] = [];
  for (let left = topicNamesLength; left > 0; left--) {
    topicNames.push(reader.string(flexible));
  }
  const timeoutMs = reader.int32();
  if (flexible) reader.skipTaggedFields();
  return {
    topics,
    topicNames,
    timeoutMs,
  };
}

function writeDeleteTopicsResponseTopic(writer: ProtocolWriter, value: DeleteTopicsResponseTopic, version: number): void {
  const flexible = version >= 4;
  if (version >= 6) writer.nullableString(value.name, flexible);
  else writer.string(requireNonNull(value.name, "DeleteTopicsResponseTopic.name", version), flexible);
  if (version >= 6) {
    writer.uuid(value.topicId);
  }
  writer.int16(value.errorCode);
  if (version >= 5) {
    writer.nullableString(value.errorMessage, true);
  }
  if (flexible) writer.unsignedVarint(0);
}

function writeDeleteTopicsResponse(writer: ProtocolWriter, value: DeleteTopicsResponse, version: number): void {
  requireVersion("DeleteTopicsResponse", version, 1, 6);
  const flexible = version >= 4;
  writer.int32(value.throttleTimeMs);
  writer.arrayLength(value.responses.length, flexible);
  for (const element of value.responses) {
    writeDeleteTopicsResponseTopic(writer, element, version);
  }
  if (flexible) writer.unsignedVarint(0);
}

export const deleteTopicsServer: ServerApi<DeleteTopicsRequest, DeleteTopicsResponse> = {
  key: 20,
  name: "DeleteTopics",
  minVersion: 1,
  maxVersion: 6,
  flexibleFrom: 4,
  decodeRequest: readDeleteTopicsRequest,
  encodeResponse: writeDeleteTopicsResponse,
};
