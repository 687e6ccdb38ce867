import type { ApiSpec, ElementType, FieldType, Primitive, VersionRange } from "./parse.ts";

const plainSizes: Record<Primitive, number> = {
  bool: 1,
  int8: 1,
  int16: 2,
  int32: 4,
  int64: 8,
  uuid: 16,
  string: 2,
  bytes: 4,
  records: 4,
};

const flexibleSizes: Record<Primitive, number> = { ...plainSizes, string: 1, bytes: 1, records: 1 };

/** The fewest bytes that one value can take in any of the versions: what bounds the elements an array can claim. */
export function minimumWireSize(spec: ApiSpec, type: ElementType, versions: VersionRange): number {
  let minimum = Number.POSITIVE_INFINITY;
  for (let version = versions.min; version <= versions.max; version++) {
    minimum = Math.min(minimum, sizeInVersion(spec, type, version));
  }
  return minimum;
}

function sizeInVersion(spec: ApiSpec, type: FieldType, version: number): number {
  const flexible = version >= spec.flexibleFrom;
  if (type.kind === "array") return flexible ? 1 : 4;
  if (type.kind === "primitive") return (flexible ? flexibleSizes : plainSizes)[type.name];
  let size = flexible ? 1 : 0;
  for (const field of type.struct.fields) {
    const isOnWire = field.tag === undefined && version >= field.versions.min && version <= field.versions.max;
    if (isOnWire) size += sizeInVersion(spec, field.type, version);
  }
  return Math.max(1, size);
}
