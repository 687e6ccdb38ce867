import { type AbortSignalLike, nativeSignal } from "./abort.ts";
import { brokerErrorFacts, ErrorCode } from "./broker-errors.ts";
import { AuthenticationError, type AuthenticationErrorCode, BrokerError, toError } from "./errors.ts";
import { printable } from "./printable.ts";
import type { Api } from "./protocol/api.ts";
import { saslAuthenticateApi } from "./protocol/generated/sasl-authenticate.ts";
import { saslHandshakeApi } from "./protocol/generated/sasl-handshake.ts";
import type { SaslConfig, SaslPasswordConfig, SaslToken, SaslTokenConfig } from "./sasl-config.ts";
import type { SaslDialogue } from "./sasl-dialogue.ts";
import { oauthAcknowledgement, oauthErrorText, oauthFirstMessage } from "./sasl-oauth-bearer.ts";
import { authenticateByScram, type ScramHash } from "./scram.ts";

/** What authentication needs of a connection. */
export interface SaslChannel {
  /** `host:port`. */
  readonly broker: string;
  send<Request, Response>(api: Api<Request, Response>, request: Request): Promise<Response>;
}

/** No message of a mechanism comes near it. */
const maximumMessageBytes = 65_536;

const scramHashes: { readonly [Mechanism in SaslPasswordConfig["mechanism"]]: ScramHash | undefined } = {
  PLAIN: undefined,
  "SCRAM-SHA-256": { name: "SHA-256", bits: 256 },
  "SCRAM-SHA-512": { name: "SHA-512", bits: 512 },
};

/**
 * Authenticates the connection, for the first time or again. Resolves with how long that lasts, in milliseconds: 0 for
 * ever (KIP-368). Rejects with {@link AuthenticationError}, or with whatever ended the connection.
 */
export async function authenticate(channel: SaslChannel, sasl: SaslConfig, signal: AbortSignalLike): Promise<number> {
  const attempt = new Attempt(channel, sasl.mechanism);
  await attempt.handshake();
  if (sasl.mechanism === "OAUTHBEARER") await sendToken(attempt, sasl, signal);
  else await sendPassword(attempt, sasl);
  return attempt.sessionLifetimeMs;
}

async function sendPassword(attempt: Attempt, { mechanism, username, password }: SaslPasswordConfig): Promise<void> {
  attempt.secret = password;
  const hash = scramHashes[mechanism];
  if (hash === undefined) await attempt.exchange(new TextEncoder().encode(`\0${username}\0${password}`));
  else await authenticateByScram(hash, username, password, attempt);
}

async function sendToken(attempt: Attempt, sasl: SaslTokenConfig, signal: AbortSignalLike): Promise<void> {
  let token: SaslToken;
  try {
    token = await sasl.token(nativeSignal(signal));
  } catch (cause) {
    // Its message stays in the cause: it may quote a request for a token, with the secret in it.
    throw attempt.error("SASL_TOKEN_UNAVAILABLE", "the token function failed (see the cause)", {
      cause,
      retriable: true,
    });
  }
  let first: Uint8Array;
  try {
    first = oauthFirstMessage(token);
  } catch (cause) {
    throw attempt.error("SASL_TOKEN_UNAVAILABLE", `the token function does not work: ${toError(cause).message}`);
  }
  attempt.secret = token.value;
  const answer = await attempt.exchange(first);
  if (answer.length === 0) return;
  // The broker waits for this before it says that it refuses, which then is the better error.
  await attempt.exchange(oauthAcknowledgement);
  throw attempt.refused(oauthErrorText(answer));
}

/** One authentication of one connection. */
class Attempt implements SaslDialogue {
  readonly #channel: SaslChannel;
  readonly #mechanism: string;
  /** Not to be found in any message. */
  secret = "";
  sessionLifetimeMs = 0;

  constructor(channel: SaslChannel, mechanism: string) {
    this.#channel = channel;
    this.#mechanism = mechanism;
  }

  async handshake(): Promise<void> {
    const { errorCode, mechanisms } = await this.#channel.send(saslHandshakeApi, { mechanism: this.#mechanism });
    if (errorCode === ErrorCode.UNSUPPORTED_SASL_MECHANISM) {
      const enabled = mechanisms.slice(0, 20).map((name) => printable(name));
      const message = `it is not enabled; enabled are ${enabled.join(", ") || "none"}`;
      throw this.error("UNSUPPORTED_SASL_MECHANISM", message, { enabledMechanisms: enabled });
    }
    if (errorCode === ErrorCode.ILLEGAL_SASL_STATE) {
      throw this.error("ILLEGAL_SASL_STATE", "this listener does not use SASL");
    }
    this.#check(errorCode, "SaslHandshake", null);
  }

  async exchange(message: Uint8Array): Promise<Uint8Array> {
    const response = await this.#channel.send(saslAuthenticateApi, { authBytes: message });
    const { errorCode, errorMessage, authBytes, sessionLifetimeMs } = response;
    if (errorCode === ErrorCode.SASL_AUTHENTICATION_FAILED || errorCode === ErrorCode.ILLEGAL_SASL_STATE) {
      throw this.refused(errorMessage ?? brokerErrorFacts(errorCode).description);
    }
    this.#check(errorCode, "SaslAuthenticate", errorMessage);
    if (authBytes.length > maximumMessageBytes) throw this.untrusted("it sent a SASL message beyond all measure");
    this.sessionLifetimeMs = Math.max(0, sessionLifetimeMs);
    return authBytes;
  }

  untrusted(why: string): AuthenticationError {
    return this.error("SASL_SERVER_UNTRUSTED", `the broker cannot be trusted: ${printable(why)}`);
  }

  refused(text: string): AuthenticationError {
    const repeatsSecret = this.secret !== "" && text.includes(this.secret);
    const why = repeatsSecret ? "its explanation repeats a secret and is left out" : printable(text);
    return this.error("SASL_AUTHENTICATION_FAILED", `the broker refuses: ${why}`);
  }

  error(
    code: AuthenticationErrorCode,
    why: string,
    options: { cause?: unknown; retriable?: boolean; enabledMechanisms?: readonly string[] } = {},
  ): AuthenticationError {
    const { broker } = this.#channel;
    const message = `Authentication with ${this.#mechanism} at ${broker} failed: ${why}`;
    return new AuthenticationError(code, message, { ...options, broker, mechanism: this.#mechanism });
  }

  #check(errorCode: number, api: string, brokerMessage: string | null): void {
    if (errorCode === ErrorCode.NONE) return;
    throw new BrokerError(errorCode, {
      api,
      broker: this.#channel.broker,
      brokerMessage,
    });
  }
}
