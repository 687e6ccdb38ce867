import type { ProtocolReader } from "./reader.ts";
import type { ProtocolWriter } from "./writer.ts";

const apiVersionsKey = 18;

/** What precedes the body of every request. */
export interface RequestHeader {
  readonly apiKey: number;
  readonly apiVersion: number;
  /** Comes back in the response header. */
  readonly correlationId: number;
  readonly clientId: string | null;
}

/**
 * Writes header version 2 for flexible requests, version 1 otherwise. The client id keeps its two-byte length in both,
 * so that a broker can read the header of a request whose version it does not know (KIP-511).
 */
export function writeRequestHeader(writer: ProtocolWriter, header: RequestHeader, flexible: boolean): void {
  writer.int16(header.apiKey);
  writer.int16(header.apiVersion);
  writer.int32(header.correlationId);
  writer.nullableString(header.clientId, false);
  if (flexible) writer.unsignedVarint(0);
}

/** @param isFlexible decides by API key and version whether tagged fields follow. */
export function readRequestHeader(
  reader: ProtocolReader,
  isFlexible: (apiKey: number, apiVersion: number) => boolean,
): RequestHeader {
  const apiKey = reader.int16();
  const apiVersion = reader.int16();
  const correlationId = reader.int32();
  const clientId = reader.nullableString(false);
  if (isFlexible(apiKey, apiVersion)) reader.skipTaggedFields();
  return { apiKey, apiVersion, correlationId, clientId };
}

export function writeResponseHeader(
  writer: ProtocolWriter,
  apiKey: number,
  correlationId: number,
  flexible: boolean,
): void {
  writer.int32(correlationId);
  if (hasTaggedResponseHeader(apiKey, flexible)) writer.unsignedVarint(0);
}

/** What every answer begins with. A frame has four bytes at least. */
export function correlationIdOf(frame: Uint8Array): number {
  return (frame[0]! << 24) | (frame[1]! << 16) | (frame[2]! << 8) | frame[3]!;
}

/** Returns the correlation id. `flexible` is about the request that this response answers. */
export function readResponseHeader(reader: ProtocolReader, apiKey: number, flexible: boolean): number {
  const correlationId = reader.int32();
  if (hasTaggedResponseHeader(apiKey, flexible)) reader.skipTaggedFields();
  return correlationId;
}

/** ApiVersions is always answered with header version 0: a client asks it before it knows what the broker speaks. */
function hasTaggedResponseHeader(apiKey: number, flexible: boolean): boolean {
  return flexible && apiKey !== apiVersionsKey;
}
