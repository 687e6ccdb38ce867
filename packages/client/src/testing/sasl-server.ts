import { ErrorCode } from "../broker-errors.ts";
import { check, type OptionCheck } from "../options.ts";
import type { SaslMechanism } from "../sasl-config.ts";
import { deriveKeys, fromBase64, hmac, isEqual, randomNonce, type ScramHash, toBase64, xor } from "../scram.ts";

/** Whom the embedded broker lets in. */
export interface EmbeddedSasl {
  /** Passwords by user name. Default: none. */
  readonly users?: Readonly<Record<string, string>>;
  /** Which tokens are good. Default: none. */
  readonly acceptsToken?: (token: string) => boolean;
  /** Default: all four. */
  readonly mechanisms?: readonly SaslMechanism[];
  /** After how many milliseconds a client has to authenticate again (KIP-368). Default 0: never. */
  readonly sessionLifetimeMs?: number;
}

export const saslChecks: Readonly<Record<string, OptionCheck>> = {
  users: check.object,
  acceptsToken: check.callable,
  mechanisms: (value: unknown): string | undefined => (Array.isArray(value) ? undefined : "an array"),
  sessionLifetimeMs: check.integer(0),
};

/** As long as a real broker asks a client to wait before it authenticates again. */
const minimumIntervalMs = 1000;

const allMechanisms: readonly SaslMechanism[] = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"];
const emptyBytes = /* @__PURE__ */ new Uint8Array(0);
const encoder = /* @__PURE__ */ new TextEncoder();
const decoder = /* @__PURE__ */ new TextDecoder();

/** Takes a message of the client. `"refused"` ends the exchange, `"done"` lets the client in with an empty answer. */
type Step = (message: string) => Reply | Promise<Reply>;
type Reply = "refused" | "done" | { readonly answer: string; readonly next: Step | "done" };

/** One connection's authentication, and its end. */
export class SaslServerSession {
  readonly #options: EmbeddedSasl;
  readonly mechanisms: readonly SaslMechanism[];
  readonly lifetimeMs: number;
  #next: Step | undefined;
  #authenticatedAt: number | undefined;

  constructor(options: EmbeddedSasl) {
    this.#options = options;
    this.mechanisms = options.mechanisms ?? allMechanisms;
    this.lifetimeMs = options.sessionLifetimeMs ?? 0;
  }

  get isAuthenticated(): boolean {
    if (this.#authenticatedAt === undefined || this.#next !== undefined) return false;
    return this.lifetimeMs === 0 || performance.now() - this.#authenticatedAt <= this.lifetimeMs;
  }

  /** Starts an exchange; returns an error code. */
  begin(mechanism: string): number {
    const age = performance.now() - (this.#authenticatedAt ?? Number.NEGATIVE_INFINITY);
    if (age < minimumIntervalMs) return ErrorCode.ILLEGAL_SASL_STATE;
    const step = this.#firstStep(this.mechanisms.find((name) => name === mechanism));
    if (step === undefined) return ErrorCode.UNSUPPORTED_SASL_MECHANISM;
    this.#next = step;
    return ErrorCode.NONE;
  }

  /** The answer to a message of the mechanism; undefined where the client is refused. */
  async answer(message: Uint8Array): Promise<Uint8Array | undefined> {
    const reply = (await this.#next?.(decoder.decode(message))) ?? "refused";
    if (reply === "refused") {
      this.#next = undefined;
      this.#authenticatedAt = undefined;
      return undefined;
    }
    const next = reply === "done" ? "done" : reply.next;
    this.#next = next === "done" ? undefined : next;
    if (next === "done") this.#authenticatedAt = performance.now();
    return reply === "done" ? emptyBytes : encoder.encode(reply.answer);
  }

  #firstStep(mechanism: SaslMechanism | undefined): Step | undefined {
    switch (mechanism) {
      case "PLAIN":
        return (message) => this.#plain(message);
      case "SCRAM-SHA-256":
        return (message) => this.#scram({ name: "SHA-256", bits: 256 }, message);
      case "SCRAM-SHA-512":
        return (message) => this.#scram({ name: "SHA-512", bits: 512 }, message);
      case "OAUTHBEARER":
        return (message) => this.#token(message);
      default:
        return undefined;
    }
  }

  #passwordOf(user: string): string | undefined {
    const { users = {} } = this.#options;
    return Object.hasOwn(users, user) ? users[user] : undefined;
  }

  #plain(message: string): Reply {
    const [, user = "", password = ""] = message.split("\0");
    return this.#passwordOf(user) === password ? "done" : "refused";
  }

  async #scram(hash: ScramHash, clientFirst: string): Promise<Reply> {
    const [, bare = "", name = "", clientNonce = ""] = /^n,,(n=([^,]+),r=([^,]+))$/.exec(clientFirst) ?? [];
    const password = this.#passwordOf(name.replaceAll("=2C", ",").replaceAll("=3D", "="));
    if (password === undefined) return "refused";
    const nonce = `${clientNonce}${randomNonce()}`;
    const salt = crypto.getRandomValues(new Uint8Array(16));
    const iterations = 4096;
    const serverFirst = `r=${nonce},s=${toBase64(salt)},i=${iterations}`;
    const { storedKey, serverKey } = await deriveKeys(hash, password, salt, iterations);
    return {
      answer: serverFirst,
      next: async (clientFinal) => {
        const [, withoutProof = "", proofText = ""] = /^(c=biws,r=[^,]+),p=(.+)$/.exec(clientFinal) ?? [];
        const proof = fromBase64(proofText);
        if (withoutProof !== `c=biws,r=${nonce}` || proof === undefined) return "refused";
        const signed = encoder.encode(`${bare},${serverFirst},${withoutProof}`);
        const clientKey = xor(proof, await hmac(hash, storedKey, signed));
        const digest = new Uint8Array(await crypto.subtle.digest(hash.name, clientKey));
        if (!isEqual(digest, storedKey)) return "refused";
        return { answer: `v=${toBase64(await hmac(hash, serverKey, signed))}`, next: "done" };
      },
    };
  }

  /** A refusal is first told in JSON, and becomes one when the client has acknowledged that (RFC 7628 §3.2.3). */
  #token(message: string): Reply {
    const scheme = "auth=Bearer ";
    const token = message
      .split("\x01")
      .find((part) => part.startsWith(scheme))
      ?.slice(scheme.length);
    if (token !== undefined && this.#options.acceptsToken?.(token) === true) return "done";
    return { answer: '{"status":"invalid_token"}', next: () => "refused" };
  }
}
