import type { Api, ServerApi } from "../../packages/client/src/protocol/api.ts";
import { ProtocolReader, type ProtocolReaderOptions } from "../../packages/client/src/protocol/reader.ts";
import { ProtocolWriter } from "../../packages/client/src/protocol/writer.ts";
import { moduleName } from "../../protocol-specs/emit.ts";
import { readSpecs } from "../../protocol-specs/generate.ts";
import type { ApiSpec, Struct } from "../../protocol-specs/parse.ts";

/** A decoded message, or a structure in it. */
export type Message = Record<string, unknown>;

/** One direction of an API: what our two halves do with its messages. */
export interface Codec {
  readonly spec: ApiSpec;
  /** The request or the response, whose name is Kafka's, such as `FetchRequest`. */
  readonly struct: Struct;
  readonly encode: (value: Message, version: number) => Uint8Array;
  /** Decodes and says how many bytes were left. */
  readonly decode: (
    bytes: Uint8Array,
    version: number,
    options?: ProtocolReaderOptions,
  ) => { value: Message; remaining: number };
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

/** A nested structure of a message, or an error if it is none. */
export function asMessage(value: unknown): Message {
  if (!isObject(value)) throw new TypeError(`${String(value)} is not a structure`);
  return value;
}

export function asMessages(value: unknown): Message[] {
  if (!Array.isArray(value)) throw new TypeError(`${String(value)} is not an array of structures`);
  return value.map(asMessage);
}

async function load(spec: ApiSpec): Promise<ApiCodecs> {
  const name = moduleName(spec);
  const client: unknown = await import(`../../packages/client/src/protocol/generated/${name}.ts`);
  const broker: unknown = await import(`../../packages/client/src/testing/generated/${name}.ts`);
  const constant = spec.name.charAt(0).toLowerCase() + spec.name.slice(1);
  const api = asMessage(client)[`${constant}Api`];
  const server = asMessage(broker)[`${constant}Server`];
  if (!isApi(api) || !isServerApi(server)) throw new TypeError(`${name}.ts does not export the codecs of ${spec.name}`);
  return {
    spec,
    api,
    server,
    codecs: [
      codec(
        spec,
        spec.request,
        (writer, value, version) => api.encodeRequest(writer, value, version),
        (reader, version) => server.decodeRequest(reader, version),
      ),
      codec(
        spec,
        spec.response,
        (writer, value, version) => server.encodeResponse(writer, value, version),
        (reader, version) => api.decodeResponse(reader, version),
      ),
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
    encode: (value, version) => {
      const writer = new ProtocolWriter();
      write(writer, value, version);
      return writer.finish();
    },
    decode: (bytes, version, options) => {
      const reader = new ProtocolReader(bytes, options);
      const value = read(reader, version);
      return { value, remaining: reader.remaining };
    },
  };
}

function isObject(value: unknown): value is Message {
  return typeof value === "object" && value !== null;
}

function isApi(value: unknown): value is Api<Message, Message> {
  return (
    isObject(value) && typeof value["encodeRequest"] === "function" && typeof value["decodeResponse"] === "function"
  );
}

function isServerApi(value: unknown): value is ServerApi<Message, Message> {
  return (
    isObject(value) && typeof value["decodeRequest"] === "function" && typeof value["encodeResponse"] === "function"
  );
}
