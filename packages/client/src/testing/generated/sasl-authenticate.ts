// Generated from protocol-specs/sasl-authenticate.spec: change that file and run protocol-specs/generate.ts.
import type { ServerApi } from "../../protocol/api.ts";
import { requireVersion } from "../../protocol/error.ts";
import type {
  SaslAuthenticateRequest,
  SaslAuthenticateResponse,
} from "../../protocol/generated/sasl-authenticate.ts";
import type { ProtocolReader } from "../../protocol/reader.ts";
import type { ProtocolWriter } from "../../protocol/writer.ts";

function readSaslAuthenticateRequest(reader: ProtocolReader, version: number): SaslAuthenticateRequest {
  requireVersion("SaslAuthenticateRequest", version, 0, 2);
  const flexible = version >= 2;
  const authBytes = reader.bytes(flexible);
  if (flexible) reader.skipTaggedFields();
  return {
    authBytes,
  };
}

function writeSaslAuthenticateResponse(writer: ProtocolWriter, value: SaslAuthenticateResponse, version: number): void {
  requireVersion("SaslAuthenticateResponse", version, 0, 2);
  const flexible = version >= 2;
  writer.int16(value.errorCode);
  writer.nullableString(value.errorMessage, flexible);
  writer.bytes(value.authBytes, flexible);
  if (version >= 1) {
    writer.int64(value.sessionLifetimeMs);
  }
  if (flexible) writer.unsignedVarint(0);
}

export const saslAuthenticateServer: ServerApi<SaslAuthenticateRequest, SaslAuthenticateResponse> = {
  key: 36,
  name: "SaslAuthenticate",
  minVersion: 0,
  maxVersion: 2,
  flexibleFrom: 2,
  decodeRequest: readSaslAuthenticateRequest,
  encodeResponse: writeSaslAuthenticateResponse,
};
