import type { SaslDialogue } from "./sasl-dialogue.ts";

/** The hash of a SCRAM mechanism, and the length of what it makes. */
export interface ScramHash {
  readonly name: "SHA-256" | "SHA-512";
  readonly bits: 256 | 512;
}

/** What both sides derive from the password (RFC 5802 §3). */
export interface ScramKeys {
  readonly clientKey: Uint8Array;
  readonly storedKey: Uint8Array;
  readonly serverKey: Uint8Array;
}

/** Fewer would make the password easy to guess for whoever listens (RFC 7677 §4). */
const minimumIterations = 4096;
/** A broker could otherwise keep this client busy for hours. */
const maximumIterations = 1_000_000;

const encoder = /* @__PURE__ */ new TextEncoder();
const decoder = /* @__PURE__ */ new TextDecoder();

/**
 * Proves to the broker that we know the password, and lets the broker prove that it does (RFC 5802, RFC 7677), without
 * channel binding, which Kafka does not have. Neither name nor password goes through SASLprep: Kafka stores and compares
 * them as they are, so a password that SASLprep changes could never be right.
 */
export async function authenticateByScram(
  hash: ScramHash,
  username: string,
  password: string,
  dialogue: SaslDialogue,
  nonce: string = randomNonce(),
): Promise<void> {
  const clientFirst = `n=${escapeName(username)},r=${nonce}`;
  const serverFirst = decoder.decode(await dialogue.exchange(encoder.encode(`n,,${clientFirst}`)));
  const [, serverNonce = "", saltText = "", iterationText = ""] = firstMessage.exec(serverFirst) ?? [];
  const salt = fromBase64(saltText);
  if (salt === undefined) throw dialogue.untrusted("its first SCRAM message is malformed");
  if (!serverNonce.startsWith(nonce) || serverNonce.length === nonce.length) {
    throw dialogue.untrusted("its nonce does not continue ours");
  }
  const iterations = Number(iterationText);
  if (iterations < minimumIterations || iterations > maximumIterations) {
    throw dialogue.untrusted(`it asks for ${iterations} iterations, not ${minimumIterations} to ${maximumIterations}`);
  }

  const keys = await deriveKeys(hash, password, salt, iterations);
  // "biws" is the base64 of "n,,": no channel binding.
  const withoutProof = `c=biws,r=${serverNonce}`;
  const signed = encoder.encode(`${clientFirst},${serverFirst},${withoutProof}`);
  const proof = xor(keys.clientKey, await hmac(hash, keys.storedKey, signed));
  const clientFinal = `${withoutProof},p=${toBase64(proof)}`;
  const serverFinal = decoder.decode(await dialogue.exchange(encoder.encode(clientFinal)));
  const [, error, signatureText = ""] = finalMessage.exec(serverFinal) ?? [];
  if (error !== undefined)
    throw dialogue.untrusted(`it ended the SCRAM exchange with the error ${JSON.stringify(error)}`);
  const signature = fromBase64(signatureText);
  if (signature === undefined) throw dialogue.untrusted("its last SCRAM message is malformed");
  if (!isEqual(signature, await hmac(hash, keys.serverKey, signed))) {
    throw dialogue.untrusted("its signature is wrong: it does not know the password");
  }
}

/** The keys of a password; costs as much time as the iterations take. */
export async function deriveKeys(
  hash: ScramHash,
  password: string,
  salt: Uint8Array<ArrayBuffer>,
  iterations: number,
): Promise<ScramKeys> {
  const key = await crypto.subtle.importKey("raw", encoder.encode(password), "PBKDF2", false, ["deriveBits"]);
  const algorithm = { name: "PBKDF2", hash: hash.name, salt, iterations };
  const salted = new Uint8Array(await crypto.subtle.deriveBits(algorithm, key, hash.bits));
  const clientKey = await hmac(hash, salted, encoder.encode("Client Key"));
  const storedKey = new Uint8Array(await crypto.subtle.digest(hash.name, clientKey));
  const serverKey = await hmac(hash, salted, encoder.encode("Server Key"));
  return { clientKey, storedKey, serverKey };
}

export async function hmac(hash: ScramHash, key: Uint8Array, message: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const algorithm = { name: "HMAC", hash: hash.name };
  const imported = await crypto.subtle.importKey("raw", new Uint8Array(key), algorithm, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, new Uint8Array(message)));
}

/** Takes as long for arrays that differ at the front as for those that differ at the end. */
export function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (const [index, byte] of a.entries()) difference |= byte ^ (b[index] ?? 0);
  return difference === 0;
}

export function xor(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(a, (byte, index) => byte ^ (b[index] ?? 0));
}

export function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

/** Undefined for what is empty or not the one way to write the bytes in base64. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (text.length === 0 || text.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined;
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  return toBase64(bytes) === text ? bytes : undefined;
}

/** Printable ASCII without a comma, as a nonce has to be. */
export function randomNonce(): string {
  return toBase64(crypto.getRandomValues(new Uint8Array(24)));
}

/** The two characters that have a meaning of their own in a SCRAM message. */
function escapeName(name: string): string {
  return name.replaceAll("=", "=3D").replaceAll(",", "=2C");
}

/** A mandatory extension (`m=…` at the front) does not match, since we know none; others follow and are ignored. */
const firstMessage = /^r=([\x21-\x2b\x2d-\x7e]+),s=([A-Za-z0-9+/=]+),i=(\d{1,15})(?:,.*)?$/s;
const finalMessage = /^(?:e=([^,]*)|v=([A-Za-z0-9+/=]+))(?:,.*)?$/s;
