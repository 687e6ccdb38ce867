import { ErrorCode } from "./broker-errors.ts";
import type { Api } from "./protocol/api.ts";
import { apiVersionsApi } from "./protocol/generated/api-versions.ts";
import { readResponseHeader, writeRequestHeader } from "./protocol/headers.ts";
import { ProtocolReader } from "./protocol/reader.ts";
import { ProtocolWriter } from "./protocol/writer.ts";

/** What small requests are written into, one behind the other: memory of its own takes longer than all else of such a request. */
const sharedBytes = 8 * 1024;
const smallRequestBytes = 512;
const correlationIdBytes = 4;

/** Makes the frames of the requests of one connection, and numbers them. */
export class RequestEncoder {
  readonly #clientId: string;
  #correlationId = 0;
  /** What is left of the shared memory. */
  #memory: Uint8Array = new Uint8Array(0);

  constructor(clientId: string) {
    this.#clientId = clientId;
  }

  /** The frame stays as it is, whatever is encoded afterwards. @throws ProtocolError, and then no number is used up */
  encode<Request, Response>(
    api: Api<Request, Response>,
    version: number,
    request: Request,
  ): { readonly correlationId: number; readonly frame: Uint8Array } {
    const correlationId = this.#correlationId;
    if (this.#memory.length < smallRequestBytes) this.#memory = new Uint8Array(sharedBytes);
    const writer = new ProtocolWriter(this.#memory);
    writer.int32(0);
    writeRequestHeader(
      writer,
      { apiKey: api.key, apiVersion: version, correlationId, clientId: this.#clientId },
      version >= api.flexibleFrom,
    );
    api.encodeRequest(writer, request, version);
    writer.setInt32(0, writer.length - 4);
    const frame = writer.finish();
    this.#correlationId = (correlationId + 1) & 0x7fff_ffff;
    if (frame.buffer === this.#memory.buffer) this.#memory = this.#memory.subarray(frame.length);
    return { correlationId, frame };
  }
}

/** @throws ProtocolError */
export function decodeAnswer<Request, Response>(
  api: Api<Request, Response>,
  version: number,
  frame: Uint8Array,
): Response {
  const reader = new ProtocolReader(frame);
  readResponseHeader(reader, api.key, version >= api.flexibleFrom);
  // A broker that does not know the version of ApiVersions answers in the layout of version 0 (KIP-511), and some
  // answer with a body that nothing can parse: the error code at the front is all that counts.
  if (api.key === apiVersionsApi.key && version > 0) {
    const peek = new ProtocolReader(frame.subarray(correlationIdBytes));
    if (peek.int16() === ErrorCode.UNSUPPORTED_VERSION) {
      return { ...noApiVersions, errorCode: ErrorCode.UNSUPPORTED_VERSION } as Response;
    }
  }
  return api.decodeResponse(reader, version);
}

const noApiVersions = { apiKeys: [], throttleTimeMs: 0 };
