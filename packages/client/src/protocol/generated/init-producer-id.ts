// Generated from protocol-specs/init-producer-id.spec: change that file and run protocol-specs/generate.ts.
import type { Api } from "../api.ts";
import { fieldNotInVersion, requireVersion } from "../error.ts";
import type { ProtocolReader } from "../reader.ts";
import type { ProtocolWriter } from "../writer.ts";

export interface InitProducerIdRequest {
  /** Null for an idempotent producer without transactions. */
  readonly transactionalId: string | null;
  /** Ignored without a transactional id. */
  readonly transactionTimeoutMs: number;
  /** -1 to get a new one. From version 3 on, otherwise -1. */
  readonly producerId: number;
  /** -1 to get a new producer id. From version 3 on, otherwise -1. */
  readonly producerEpoch: number;
}

export interface InitProducerIdResponse {
  /** How long the client should stay silent, in milliseconds. */
  readonly throttleTimeMs: number;
  readonly errorCode: number;
  readonly producerId: number;
  readonly producerEpoch: number;
}

function writeInitProducerIdRequest(writer: ProtocolWriter, value: InitProducerIdRequest, version: number): void {
  requireVersion("InitProducerIdRequest", version, 0, 4);
  const flexible = version >= 2;
  writer.nullableString(value.transactionalId, flexible);
  writer.int32(value.transactionTimeoutMs);
  if (version >= 3) {
    writer.int64(value.producerId);
  } else if (value.producerId !== -1) {
    throw fieldNotInVersion("InitProducerIdRequest.producerId", version);
  }
  if (version >= 3) {
    writer.int16(value.producerEpoch);
  } else if (value.producerEpoch !== -1) {
    throw fieldNotInVersion("InitProducerIdRequest.producerEpoch", version);
  }
  if (flexible) writer.unsignedVarint(0);
}

function readInitProducerIdResponse(reader: ProtocolReader, version: number): InitProducerIdResponse {
  requireVersion("InitProducerIdResponse", version, 0, 4);
  const flexible = version >= 2;
  const throttleTimeMs = reader.int32();
  const errorCode = reader.int16();
  const producerId = reader.int64();
  const producerEpoch = reader.int16();
  if (flexible) reader.skipTaggedFields();
  return {
    throttleTimeMs,
    errorCode,
    producerId,
    producerEpoch,
  };
}

export const initProducerIdApi: Api<InitProducerIdRequest, InitProducerIdResponse> = {
  key: 22,
  name: "InitProducerId",
  versions: [0, 1, 2, 4],
  flexibleFrom: 2,
  encodeRequest: writeInitProducerIdRequest,
  decodeResponse: readInitProducerIdResponse,
};
