import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ProtocolError } from "../../packages/client/src/protocol/error.ts";
import type { Field, Struct } from "../../protocol-specs/parse.ts";
import { decodedForm, defaultValue, has, messageArbitrary } from "./arbitraries.ts";
import { loadCodecs, type Message, versionsOf } from "./codecs.ts";

const apis = await loadCodecs();

test("every generated API carries the facts of its spec", () => {
  expect(apis.length).toBeGreaterThan(0);
  for (const { spec, api, server } of apis) {
    expect(api).toMatchObject({ key: spec.key, name: spec.name, flexibleFrom: spec.flexibleFrom });
    expect(api.versions).toEqual(spec.clientVersions);
    expect(server).toMatchObject({
      key: spec.key,
      name: spec.name,
      flexibleFrom: spec.flexibleFrom,
      minVersion: spec.versions.min,
      maxVersion: spec.versions.max,
    });
  }
});

const codecs = apis.flatMap((api) => api.codecs);

describe.each(codecs.map((codec) => ({ name: codec.struct.name, codec })))("$name", ({ codec }) => {
  const { spec, struct, encode, decode } = codec;

  test.each(versionsOf(spec))("version %i: what one side encodes, the other decodes", (version) => {
    fc.assert(
      fc.property(messageArbitrary(struct, version), (value) => {
        const decoded = decode(encode(value, version), version);
        expect(decoded.value).toEqual(decodedForm(struct, version, value));
        expect(decoded.remaining).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  test.each(versionsOf(spec))("version %i: a value it cannot carry is refused, or dropped if ignorable", (version) => {
    for (const { value, field, path } of fieldsLackedBy(struct, version)) {
      if (field.ignorable) {
        expect(encode(value, version), path).toEqual(encode(defaultMessage(struct, [], version), version));
      } else {
        expect(() => encode(value, version), path).toThrow(
          expect.objectContaining({ code: "FIELD_NOT_IN_VERSION", message: expect.stringContaining(field.name) }),
        );
      }
    }
  });

  test.each(versionsOf(spec))("version %i: null is refused where the version has no null", (version) => {
    for (const field of struct.fields) {
      if (field.nullable === undefined || has(field.nullable, version) || !has(field.versions, version)) continue;
      const value = { ...defaultMessage(struct, [], version), [field.name]: null };
      expect(() => encode(value, version), field.name).toThrow(ProtocolError);
    }
  });

  test("versions outside the implemented range are refused", () => {
    for (const version of [spec.versions.min - 1, spec.versions.max + 1, spec.versions.min + 0.5, Number.NaN]) {
      const refusal = expect.objectContaining({ code: "VERSION_NOT_IMPLEMENTED" });
      expect(() => encode(defaultMessage(struct, [], spec.versions.min), version)).toThrow(refusal);
      expect(() => decode(new Uint8Array(64), version)).toThrow(refusal);
    }
  });
});

test("a name that is nullable from version 10 on is refused before", () => {
  const request = codecs.find(({ struct }) => struct.name === "MetadataRequest");
  const byId = {
    topics: [{ topicId: "AAAAAAAAAAAAAAAAAAAAAQ", name: null }],
    allowAutoTopicCreation: false,
    includeClusterAuthorizedOperations: false,
    includeTopicAuthorizedOperations: false,
  };
  expect(() => request?.encode(byId, 9)).toThrow("MetadataRequestTopic.name must not be null in version 9");
  expect(request?.encode(byId, 10).length).toBeGreaterThan(0);
});

interface LackedField {
  readonly value: Message;
  readonly field: Field;
  readonly path: string;
}

/** For each field that `version` lacks, in a structure that it has: a message of defaults in which only that is set. */
function fieldsLackedBy(root: Struct, version: number): LackedField[] {
  const found: LackedField[] = [];
  const visit = (struct: Struct, path: readonly string[]): void => {
    for (const field of struct.fields) {
      const here = [...path, field.name];
      if (!has(field.versions, version)) {
        // Along the path, arrays need an element; the comparison for ignorable fields is only exact at the top.
        if (path.length > 0 && field.ignorable) continue;
        found.push({ value: defaultMessage(root, here, version), field, path: here.join(".") });
      } else {
        const element = field.type.kind === "array" ? field.type.element : field.type;
        if (element.kind === "struct") visit(element.struct, here);
      }
    }
  };
  visit(root, []);
  return found;
}

/** All defaults, but the field at `path` has another value. */
function defaultMessage(struct: Struct, path: readonly string[], version: number): Message {
  const [next, ...rest] = path;
  return Object.fromEntries(
    struct.fields.map((field) => {
      if (field.name !== next) return [field.name, field.tag === undefined ? defaultValue(field) : undefined];
      return [field.name, rest.length === 0 ? otherValue(field, version) : containing(field, rest, version)];
    }),
  );
}

function containing(field: Field, rest: readonly string[], version: number): unknown {
  const element = field.type.kind === "array" ? field.type.element : field.type;
  if (element.kind !== "struct") throw new Error(`${field.name} holds no fields`);
  const inner = defaultMessage(element.struct, rest, version);
  return field.type.kind === "array" ? [inner] : inner;
}

function otherValue(field: Field, version: number): unknown {
  const { type } = field;
  if (type.kind === "struct") {
    return Object.fromEntries(type.struct.fields.map((inner) => [inner.name, otherValue(inner, version)]));
  }
  if (type.kind === "array") {
    return type.element.kind === "struct"
      ? [defaultMessage(type.element.struct, [], version)]
      : [otherPrimitive[type.element.name]];
  }
  return field.default === true ? false : otherPrimitive[type.name];
}

const otherPrimitive = {
  bool: true,
  int8: 7,
  int16: 7,
  int32: 7,
  int64: 7,
  uuid: "AAAAAAAAAAAAAAAAAAAABw",
  string: "x",
  bytes: Uint8Array.of(7),
  records: Uint8Array.of(7),
};
