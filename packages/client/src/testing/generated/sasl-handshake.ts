// Generated from protocol-specs/sasl-handshake.spec: change that file and run protocol-specs/generate.ts.
import type { ServerApi } from "../../protocol/api.ts";
import { requireVersion } from "../../protocol/error.ts";
import type {
  SaslHandshakeRequest,
  SaslHandshakeResponse,
} from "../../protocol/generated/sasl-handshake.ts";
import type { ProtocolReader } from "../../protocol/reader.ts";
import type { ProtocolWriter } from "../../protocol/writer.ts";

function readSaslHandshakeRequest(reader: ProtocolReader, version: number): SaslHandshakeRequest {
  requireVersion("SaslHandshakeRequest", version, 1, 1);
  const mechanism = reader.string(false);
  return {
    mechanism,
  };
}

function writeSaslHandshakeResponse(writer: ProtocolWriter, value: SaslHandshakeResponse, version: number): void {
  requireVersion("SaslHandshakeResponse", version, 1, 1);
  writer.int16(value.errorCode);
  writer.arrayLength(value.mechanisms.length, false);
  for (const element of value.mechanisms) {
    writer.string(element, false);
  }
}

export const saslHandshakeServer: ServerApi<SaslHandshakeRequest, SaslHandshakeResponse> = {
  key: 17,
  name: "SaslHandshake",
  minVersion: 1,
  maxVersion: 1,
  flexibleFrom: 32768,
  decodeRequest: readSaslHandshakeRequest,
  encodeResponse: writeSaslHandshakeResponse,
};
