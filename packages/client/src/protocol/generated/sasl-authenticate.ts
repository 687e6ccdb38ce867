// Generated from protocol-specs/sasl-authenticate.spec: change that file and run protocol-specs/generate.ts.
import type { Api } from "../api.ts";
import { requireVersion } from "../error.ts";
import type { ProtocolReader } from "../reader.ts";
import type { ProtocolWriter } from "../writer.ts";

export interface SaslAuthenticateRequest {
  readonly authBytes: Uint8Array;
}

export interface SaslAuthenticateResponse {
  readonly errorCode: number;
  /** Why the broker refuses, for people. */
  readonly errorMessage: string | null;
  readonly authBytes: Uint8Array;
  /**
   * Milliseconds until the broker wants to see credentials again on this connection; 0 for never. From version 1
   * on, otherwise 0.
   */
  readonly sessionLifetimeMs: number;
}

function writeSaslAuthenticateRequest(writer: ProtocolWriter, value: SaslAuthenticateRequest, version: number): void {
  requireVersion("SaslAuthenticateRequest", version, 0, 2);
  const flexible = version >= 2;
  writer.bytes(value.authBytes, flexible);
  if (flexible) writer.unsignedVarint(0);
}

function readSaslAuthenticateResponse(reader: ProtocolReader, version: number): SaslAuthenticateResponse {
  requireVersion("SaslAuthenticateResponse", version, 0, 2);
  const flexible = version >= 2;
  const errorCode = reader.int16();
  const errorMessage = reader.nullableString(flexible, true);
  const authBytes = reader.bytes(flexible);
  const sessionLifetimeMs = version >= 1 ? reader.clampedInt64() : 0;
  if (flexible) reader.skipTaggedFields();
  return {
    errorCode,
    errorMessage,
    authBytes,
    sessionLifetimeMs,
  };
}

export const saslAuthenticateApi: Api<SaslAuthenticateRequest, SaslAuthenticateResponse> = {
  key: 36,
  name: "SaslAuthenticate",
  versions: [0, 1, 2],
  flexibleFrom: 2,
  encodeRequest: writeSaslAuthenticateRequest,
  decodeResponse: readSaslAuthenticateResponse,
};
