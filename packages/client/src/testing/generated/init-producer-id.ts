// Generated from protocol-specs/init-producer-id.spec: change that file and run protocol-specs/generate.ts.
import type { ServerApi } from "../../protocol/api.ts";
import { requireVersion } from "../../protocol/error.ts";
import type {
  InitProducerIdRequest,
  InitProducerIdResponse,
} from "../../protocol/generated/init-producer-id.ts";
import type { ProtocolReader } from "../../protocol/reader.ts";
import type { ProtocolWriter } from "../../protocol/writer.ts";

function readInitProducerIdRequest(reader: ProtocolReader, version: number): InitProducerIdRequest {
  requireVersion("InitProducerIdRequest", version, 0, 4);
  const flexible = version >= 2;
  const transactionalId = reader.nullableString(flexible);
  const transactionTimeoutMs = reader.int32();
  const producerId = version >= 3 ? reader.int64() : -1;
  const producerEpoch = version >= 3 ? reader.int16() : -1;
  if (flexible) reader.skipTaggedFields();
  return {
    transactionalId,
    transactionTimeoutMs,
    producerId,
    producerEpoch,
  };
}

function writeInitProducerIdResponse(writer: ProtocolWriter, value: InitProducerIdResponse, version: number): void {
  requireVersion("InitProducerIdResponse", version, 0, 4);
  const flexible = version >= 2;
  writer.int32(value.throttleTimeMs);
  writer.int16(value.errorCode);
  writer.int64(value.producerId);
  writer.int16(value.producerEpoch);
  if (flexible) writer.unsignedVarint(0);
}

export const initProducerIdServer: ServerApi<InitProducerIdRequest, InitProducerIdResponse> = {
  key: 22,
  name: "InitProducerId",
  minVersion: 0,
  maxVersion: 4,
  flexibleFrom: 2,
  decodeRequest: readInitProducerIdRequest,
  encodeResponse: writeInitProducerIdResponse,
};
