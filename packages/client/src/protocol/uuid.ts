const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** The topic id that stands for "none". */
export const zeroUuid = "AAAAAAAAAAAAAAAAAAAAAA";

const textLength = 22;
const byteLength = 16;

/** The last id that was printed or read: mostly the next one too, in each request about a topic and in each answer. */
let latestText: string = zeroUuid;
let latestBytes: Uint8Array = /* @__PURE__ */ new Uint8Array(byteLength);

function isLatest(bytes: Uint8Array, start: number): boolean {
  for (let index = 0; index < byteLength; index++) if (bytes[start + index] !== latestBytes[index]) return false;
  return true;
}

/** Sixteen bytes as Java prints a Kafka id: base64 for URLs, without padding. The caller has checked the bounds. */
export function formatUuid(bytes: Uint8Array, start: number): string {
  if (isLatest(bytes, start)) return latestText;
  latestText = formatted(bytes, start);
  latestBytes = bytes.slice(start, start + byteLength);
  return latestText;
}

function formatted(bytes: Uint8Array, start: number): string {
  let text = "";
  let pending = 0;
  let bits = 0;
  for (let index = start; index < start + byteLength; index++) {
    pending = (pending << 8) | (bytes[index] ?? 0);
    bits += 8;
    while (bits >= 6) {
      bits -= 6;
      text += alphabet.charAt((pending >> bits) & 0x3f);
    }
    pending &= (1 << bits) - 1;
  }
  return text + alphabet.charAt((pending << (6 - bits)) & 0x3f);
}

/** The sixteen bytes of a printed id, to be read only, or undefined if `text` is not the one way to print an id. */
export function parseUuid(text: string): Uint8Array | undefined {
  if (text === latestText) return latestBytes;
  const bytes = parsed(text);
  if (bytes !== undefined) {
    latestText = text;
    latestBytes = bytes;
  }
  return bytes;
}

function parsed(text: string): Uint8Array | undefined {
  if (text.length !== textLength) return undefined;
  const bytes = new Uint8Array(byteLength);
  let pending = 0;
  let bits = 0;
  let length = 0;
  for (const character of text) {
    const digit = alphabet.indexOf(character);
    if (digit < 0) return undefined;
    pending = (pending << 6) | digit;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[length++] = pending >> bits;
      pending &= (1 << bits) - 1;
    }
  }
  // Twenty-two digits carry four bits more than an id has. Were they free, one id would have sixteen spellings.
  return pending === 0 ? bytes : undefined;
}
