// Generated from protocol-specs/sasl-handshake.spec: change that file and run protocol-specs/generate.ts.
import type { Api } from "../api.ts";
import { requireVersion } from "../error.ts";
import type { ProtocolReader } from "../reader.ts";
import type { ProtocolWriter } from "../writer.ts";

export interface SaslHandshakeRequest {
  readonly mechanism: string;
}

export interface SaslHandshakeResponse {
  readonly errorCode: number;
  /** What this listener enables, also where it refuses. */
  readonly mechanisms: readonly string[];
}

function writeSaslHandshakeRequest(writer: ProtocolWriter, value: SaslHandshakeRequest, version: number): void {
  requireVersion("SaslHandshakeRequest", version, 1, 1);
  writer.string(value.mechanism, false);
}

function readSaslHandshakeResponse(reader: ProtocolReader, version: number): SaslHandshakeResponse {
  requireVersion("SaslHandshakeResponse", version, 1, 1);
  const errorCode = reader.int16();
  const mechanismsLength = reader.arrayLength(false, 2);
  const mechanisms: string[] = [];
  for (let left = mechanismsLength; left > 0; left--) {
    mechanisms.push(reader.string(false));
  }
  return {
    errorCode,
    mechanisms,
  };
}

export const saslHandshakeApi: Api<SaslHandshakeRequest, SaslHandshakeResponse> = {
  key: 17,
  name: "SaslHandshake",
  versions: [1],
  flexibleFrom: 32768,
  encodeRequest: writeSaslHandshakeRequest,
  decodeResponse: readSaslHandshakeResponse,
};
