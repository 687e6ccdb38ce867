import { moduleName } from "../../protocol-specs/emit.ts";
import { readSpecs } from "../../protocol-specs/generate.ts";
import type { ApiSpec, Struct } from "../../protocol-specs/parse.ts";
import type { Api, ServerApi } from "../../packages/client/src/protocol/api.ts";
import { ProtocolReader, type ProtocolReaderOptions } from "../../packages/client/src/protocol/reader.ts";
import { ProtocolWriter } from "../../packages/client/src/protocol/writer.ts";

/** A decoded message, or a structure in it. */
export type Message = Record<string, unknown>;

/** One direction of an API: what our two halves do with its messages. */
export interface Codec {
  readonly spec: ApiSpec;
  /** The request or the response, whose name is Kafka's, such as `FetchRequest`. */
  readonly struct: Struct;
  encode(value: Message, version: number): Uint8Array;
  /** Decodes and says how many bytes were left. */
  decode(bytes: Uint8Array, version: number, options?: ProtocolReaderOptions): { value: Message; remaining: number };
}

export interface ApiCodecs {
  readonly spec: ApiSpec;
  readonly api: Api<Message, Message>;
  readonly server: ServerApi<Message, Message>;
  readonly codecs: readonly [request: Codec, response: Codec];
}

/** The codecs of every spec in the folder, so that no API can be forgotten. */
export async function loadCodecs(): Promise<ApiCodecs[]> {
  return Promise.all(readSpecs().map(load));
}

export function versionsOf(spec: ApiSpec): number[] {
  return Array.from({ length: spec.versions.max - spec.versions.min + 1 }, (_, index) => spec.versions.min + index);
}

async function load(spec: ApiSpec): Promise<ApiCodecs> {
  const name = moduleName(spec);
  const client = (await import(`../../packages/client/src/protocol/generated/${name}.ts`)) as Record<string, unknown>;
  const broker = (await import(`../../packages/client/src/testing/generated/${name}.ts`)) as Record<string, unknown>;
  const constant = spec.name.charAt(0).toLowerCase() + spec.name.slice(1);
  const api = client[`${constant}Api`] as Api<Message, Message>;
  const server = broker[`${constant}Server`] as ServerApi<Message, Message>;
  return {
    spec,
    api,
    server,
    codecs: [
      codec(spec, spec.request, api.encodeRequest, server.decodeRequest),
      codec(spec, spec.response, server.encodeResponse, api.decodeResponse),
    ],
  };
}

function codec(
  spec: ApiSpec,
  struct: Struct,
  write: (writer: ProtocolWriter, value: Message, version: number) => void,
  read: (reader: ProtocolReader, version: number) => Message,
): Codec {
  return {
    spec,
    struct,
    encode(value, version) {
      const writer = new ProtocolWriter();
      write(writer, value, version);
      return writer.finish();
    },
    decode(bytes, version, options) {
      const reader = new ProtocolReader(bytes, options);
      const value = read(reader, version);
      return { value, remaining: reader.remaining };
    },
  };
}
