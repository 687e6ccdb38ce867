import { InvalidOptionError } from "@ktables/client";
import { check, describe } from "@ktables/client/internal";
import { CodecError } from "../errors.ts";

/**
 * How a group and one of its members become one key, and come back.
 *
 * Two different pairs must never give one key: the topic's compaction would then let one member remove the other. And a
 * pair must give the same key in every process and release.
 */
export interface CompositeKeyCodec {
  /** A throw reaches the caller of `set()`, and nothing is sent. */
  encode(group: string, member: string): string;
  /**
   * Undefined for a key that {@link encode} does not make; the table leaves such a key out and counts it. A throw counts
   * as the same.
   */
  decode(key: string): readonly [group: string, member: string] | undefined;
}

/** A number as `encode` writes it; no string has as many as 10^10 code points. */
const canonicalLength = /^(?:0|[1-9][0-9]{0,9})$/;

/**
 * `<length of group><separator><group><member>`, as the Python package writes it: the pair `users`, `ada` becomes
 * `5:usersada`. The length counts Unicode code points, so an emoji counts as 1 where `.length` says 2. It tells where the
 * group ends, so groups and members may hold any text, the separator too, and may be empty.
 *
 * Lone surrogates are refused: UTF-8 cannot represent them, and one at the end of a group would join with one at the
 * beginning of a member.
 */
export class LengthPrefixedKeyCodec implements CompositeKeyCodec {
  readonly separator: string;

  /**
   * @param separator Any text that does not begin with a digit, which would be read as one of the length.
   * @throws InvalidOptionError
   */
  constructor(separator = ":") {
    if (typeof separator !== "string" || !separator.isWellFormed() || !/^[^0-9]/.test(separator)) {
      throw new InvalidOptionError(
        "separator",
        "LengthPrefixedKeyCodec: the separator must be a string that is not empty, does not begin with a digit and has " +
          `no lone surrogates, got ${describe(separator)}`,
      );
    }
    this.separator = separator;
    Object.freeze(this);
  }

  /** @throws CodecError for what is no string, or has lone surrogates. */
  encode(group: string, member: string): string {
    assertText("group", group);
    assertText("member", member);
    return `${codePointsIn(group)}${this.separator}${group}${member}`;
  }

  decode(key: string): readonly [group: string, member: string] | undefined {
    const end = key.indexOf(this.separator);
    if (end < 0) return undefined;
    const prefix = key.slice(0, end);
    if (!canonicalLength.test(prefix) || !key.isWellFormed()) return undefined;
    const rest = key.slice(end + this.separator.length);
    const groupEnd = codePointsEnd(rest, Number(prefix));
    return groupEnd === undefined ? undefined : [rest.slice(0, groupEnd), rest.slice(groupEnd)];
  }
}

/** What grouped tables and writers use unless they are given another one. */
export const DEFAULT_KEY_CODEC: CompositeKeyCodec = /* @__PURE__ */ new LengthPrefixedKeyCodec();

/** Checks the options of a grouped table or writer as far as they are about keys. @throws InvalidOptionError */
export function checkKeyOptions(owner: string, options: unknown): void {
  if (check.object(options) !== undefined) {
    throw new InvalidOptionError(owner, `${owner}: options must be an object, got ${describe(options)}`);
  }
  const { key, keyCodec } = options as { readonly key?: unknown; readonly keyCodec?: unknown };
  if (key !== undefined) {
    throw new InvalidOptionError(
      "key",
      `${owner}: option "key": keys are UTF-8; what they are made of is the business of keyCodec`,
    );
  }
  if (keyCodec === undefined) return;
  for (const name of ["encode", "decode"]) {
    const method = check.object(keyCodec) === undefined ? (keyCodec as Record<string, unknown>)[name] : undefined;
    if (typeof method !== "function") {
      throw new InvalidOptionError(
        "keyCodec",
        `${owner}: option "keyCodec" must be a CompositeKeyCodec: an object whose encode and decode are callable`,
      );
    }
  }
}

function assertText(what: "group" | "member", value: unknown): void {
  if (typeof value !== "string") {
    throw new CodecError("ENCODE_FAILED", `expected a string as ${what}, got ${describe(value)}`);
  }
  if (!value.isWellFormed()) {
    throw new CodecError("ENCODE_FAILED", `the ${what} has a lone surrogate, which UTF-8 cannot represent`);
  }
}

/** Of well-formed text, in which every second unit of a pair stands for no code point of its own. */
function codePointsIn(text: string): number {
  let count = text.length;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit >= 0xdc00 && unit <= 0xdfff) count--;
  }
  return count;
}

/** Where the first `count` code points end, as an index into the string; undefined if it has fewer. */
function codePointsEnd(text: string, count: number): number | undefined {
  let end = 0;
  for (let passed = 0; passed < count; passed++) {
    const codePoint = text.codePointAt(end);
    if (codePoint === undefined) return undefined;
    end += codePoint > 0xffff ? 2 : 1;
  }
  return end;
}
