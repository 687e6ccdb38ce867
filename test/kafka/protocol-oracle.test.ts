import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  readRequestHeader,
  readResponseHeader,
  writeRequestHeader,
  writeResponseHeader,
} from "../../packages/client/src/protocol/headers.ts";
import { ProtocolReader } from "../../packages/client/src/protocol/reader.ts";
import { ProtocolWriter } from "../../packages/client/src/protocol/writer.ts";
import type { Struct } from "../../protocol-specs/parse.ts";
import { type JavaPeer, startJavaPeer } from "../harness/java-peer.ts";
import { decodedForm, has, messageArbitrary } from "../protocol/arbitraries.ts";
import { asMessage, asMessages, loadCodecs, type Message, versionsOf } from "../protocol/codecs.ts";
import { clientFor } from "./removed-versions.ts";

let peer: JavaPeer;
beforeAll(async () => {
  peer = await startJavaPeer();
});
afterAll(() => peer?.stop());

const codecs = (await loadCodecs()).flatMap((api) => api.codecs);

describe.each(codecs.map((codec) => ({ name: codec.struct.name, codec })))("$name", ({ codec }) => {
  const { spec, struct } = codec;

  test.each(versionsOf(spec))("version %i: Kafka's Java client encodes and decodes the same", async (version) => {
    const client = await clientFor(peer, spec, version);
    await fc.assert(
      fc.asyncProperty(messageArbitrary(struct, version), async (value) => {
        const ours = codec.encode(value, version);
        const json = jsonForm(struct, version, value);
        const encoded = await peer.call("encodeMessage", { name: struct.name, version, json, ...client });
        const java = Buffer.from(encoded.base64, "base64");
        expect(Buffer.from(ours).toString("hex")).toBe(java.toString("hex"));

        const expected = decodedForm(struct, version, value);
        const decoded = codec.decode(java, version);
        expect(decoded).toEqual({ value: expected, remaining: 0 });

        const base64 = Buffer.from(ours).toString("base64");
        const byJava = await peer.call("decodeMessage", { name: struct.name, version, base64, ...client });
        expect(byJava).toEqual({ json: jsonForm(struct, version, expected), remaining: 0 });
      }),
      { numRuns: 40 },
    );
  });
});

describe("headers", () => {
  const int16 = fc.integer({ min: -32768, max: 32767 });
  const int32 = fc.integer();
  const clientId = fc.option(fc.string({ unit: "binary", maxLength: 300 }));

  test.each([false, true])("request header, flexible: %s", async (flexible) => {
    await fc.assert(
      fc.asyncProperty(int16, int16, int32, clientId, async (apiKey, apiVersion, correlationId, clientId) => {
        const header = { apiKey, apiVersion, correlationId, clientId };
        const writer = new ProtocolWriter();
        writeRequestHeader(writer, header, flexible);
        const { base64 } = await peer.call("encodeMessage", {
          name: "RequestHeader",
          version: flexible ? 2 : 1,
          json: { requestApiKey: apiKey, requestApiVersion: apiVersion, correlationId, clientId },
        });
        expect(Buffer.from(writer.finish()).toString("base64")).toBe(base64);
        expect(readRequestHeader(new ProtocolReader(writer.finish()), () => flexible)).toEqual(header);
      }),
      { numRuns: 40 },
    );
  });

  test.each([
    { api: "Fetch", key: 1, flexible: false, version: 0 },
    { api: "Fetch", key: 1, flexible: true, version: 1 },
    { api: "ApiVersions", key: 18, flexible: true, version: 0 },
  ])("response header of $api, flexible: $flexible, has version $version", async ({ key, flexible, version }) => {
    await fc.assert(
      fc.asyncProperty(int32, async (correlationId) => {
        const writer = new ProtocolWriter();
        writeResponseHeader(writer, key, correlationId, flexible);
        const { base64 } = await peer.call("encodeMessage", {
          name: "ResponseHeader",
          version,
          json: { correlationId },
        });
        expect(Buffer.from(writer.finish()).toString("base64")).toBe(base64);
        expect(readResponseHeader(new ProtocolReader(writer.finish()), key, flexible)).toBe(correlationId);
      }),
      { numRuns: 20 },
    );
  });
});

/**
 * The JSON that Kafka's converters read and write: only fields of that version, bytes as base64. They ignore unknown
 * names without a word, so a misspelt tagged field shows only in what they decode.
 */
function jsonForm(struct: Struct, version: number, value: Message): Message {
  const entries = struct.fields.flatMap((field): [string, unknown][] => {
    const content = value[field.name];
    if (!has(field.versions, version) || content === undefined) return [];
    const { type } = field;
    if (content instanceof Uint8Array) return [[field.name, Buffer.from(content).toString("base64")]];
    if (content === null || type.kind === "primitive") return [[field.name, content]];
    if (type.kind === "struct") return [[field.name, jsonForm(type.struct, version, asMessage(content))]];
    const { element } = type;
    if (element.kind === "primitive") return [[field.name, content]];
    return [[field.name, asMessages(content).map((item) => jsonForm(element.struct, version, item))]];
  });
  return Object.fromEntries(entries);
}
