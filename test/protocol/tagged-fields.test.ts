import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ProtocolWriter } from "../../packages/client/src/protocol/writer.ts";
import { decodedForm, messageArbitrary } from "./arbitraries.ts";
import { loadCodecs, type Message, versionsOf } from "./codecs.ts";

const sides = (await loadCodecs()).flatMap(({ spec, api, server, codecs: [request, response] }) => [
  { codec: request, flexibleFrom: spec.flexibleFrom, encode: api.encodeRequest.bind(api) },
  { codec: response, flexibleFrom: spec.flexibleFrom, encode: server.encodeResponse.bind(server) },
]);

/**
 * A writer that puts two fields with the same unknown tag before the known ones of every structure. The generated code
 * calls `unsignedVarint` for the number of a structure's tagged fields only; the writer's own calls do not come by here.
 */
function withUnknownFields(writer: ProtocolWriter, inserted: () => void): ProtocolWriter {
  return new Proxy(writer, {
    get(target, name) {
      if (name === "unsignedVarint") {
        return (count: number) => {
          inserted();
          target.unsignedVarint(count + 2);
          for (const byte of [1, 2]) {
            const start = target.beginTaggedField(4711);
            target.int8(byte);
            target.endTaggedField(start);
          }
        };
      }
      const member: unknown = Reflect.get(target, name);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
}

const flexibleSides = sides.filter(({ codec, flexibleFrom }) => codec.spec.versions.max >= flexibleFrom);

describe.each(flexibleSides.map((side) => ({ name: side.codec.struct.name, ...side })))("$name", (side) => {
  const { codec, encode, flexibleFrom } = side;
  const flexible = versionsOf(codec.spec).filter((version) => version >= flexibleFrom);

  test.each(flexible)("version %i: unknown, repeated and unsorted tags in every structure are left out", (version) => {
    let structures = 0;
    fc.assert(
      fc.property(messageArbitrary(codec.struct, version), (value: Message) => {
        const writer = new ProtocolWriter();
        encode(
          withUnknownFields(writer, () => structures++),
          value,
          version,
        );
        expect(codec.decode(writer.finish(), version)).toEqual({
          value: decodedForm(codec.struct, version, value),
          remaining: 0,
        });
      }),
      { numRuns: 20 },
    );
    expect(structures).toBeGreaterThanOrEqual(20);
  });
});
