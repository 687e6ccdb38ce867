import type { ProtocolReader } from "./reader.ts";
import type { ProtocolWriter } from "./writer.ts";

/** The client's half of one Kafka API: encodes requests, decodes responses. */
export interface Api<Request, Response> {
  /** Kafka's number of the API. */
  readonly key: number;
  readonly name: string;
  /** The versions that the client negotiates, ascending, with gaps where a version brings it nothing. */
  readonly versions: readonly number[];
  /** The first version with compact lengths and tagged fields (KIP-482). */
  readonly flexibleFrom: number;
  /** Writes the body, without header. @throws ProtocolError */
  encodeRequest(writer: ProtocolWriter, request: Request, version: number): void;
  /** Reads the body, without header; leaves bytes of a newer layout unread. @throws ProtocolError */
  decodeResponse(reader: ProtocolReader, version: number): Response;
}

/** The broker's half of one Kafka API: decodes requests, encodes responses. */
export interface ServerApi<Request, Response> {
  readonly key: number;
  readonly name: string;
  readonly minVersion: number;
  readonly maxVersion: number;
  readonly flexibleFrom: number;
  /** Reads the body, without header. @throws ProtocolError */
  decodeRequest(reader: ProtocolReader, version: number): Request;
  /** Writes the body, without header. @throws ProtocolError */
  encodeResponse(writer: ProtocolWriter, response: Response, version: number): void;
}
