import type { AbortSignalLike } from "./abort.ts";
import { InvalidOptionError } from "./errors.ts";
import { check, checkOptions, type OptionCheck } from "./options.ts";

/** The mechanisms by which this client can authenticate. */
export type SaslMechanism = SaslConfig["mechanism"];

/** Credentials for a broker's SASL listener. */
export type SaslConfig = SaslPasswordConfig | SaslTokenConfig;

/** A user name and a password; they are sent as they are, in UTF-8, since Kafka normalizes neither. */
export interface SaslPasswordConfig {
  /** `PLAIN` shows the password to the broker, and without TLS to everybody on the way; SCRAM (RFC 5802) to nobody. */
  readonly mechanism: "PLAIN" | "SCRAM-SHA-256" | "SCRAM-SHA-512";
  readonly username: string;
  readonly password: string;
}

/** A token of OAuth 2 (KIP-255). */
export interface SaslTokenConfig {
  readonly mechanism: "OAUTHBEARER";
  /**
   * Gives a token that is valid now. Called for every connection, and again when the broker wants the connection to be
   * authenticated anew: keep tokens for as long as they last. The signal aborts when nobody needs the token any more.
   * What it throws becomes the `cause` of an {@link AuthenticationError} and is tried again.
   */
  readonly token: (signal: AbortSignalLike) => Promise<SaslToken>;
}

export interface SaslToken {
  /** The token in its serialized form, for instance a JWT. */
  readonly value: string;
  /** Further facts for the broker (KIP-342): names of letters, values of printable ASCII. */
  readonly extensions?: Readonly<Record<string, string>> | undefined;
}

const credential: OptionCheck = (value) =>
  check.nonEmptyString(value) === undefined && !(value as string).includes("\0")
    ? undefined
    : "a non-empty string without NUL";

const passwordChecks = { mechanism: check.nonEmptyString, username: credential, password: credential };

const checksOf: { readonly [Mechanism in SaslMechanism]: Readonly<Record<string, OptionCheck>> } = {
  PLAIN: passwordChecks,
  "SCRAM-SHA-256": passwordChecks,
  "SCRAM-SHA-512": passwordChecks,
  OAUTHBEARER: { mechanism: check.nonEmptyString, token: check.callable },
};

/** A checked copy. @throws InvalidOptionError */
export function resolveSasl(sasl: SaslConfig): SaslConfig {
  const owner = "connection.sasl";
  const mechanism: unknown = sasl.mechanism;
  if (typeof mechanism !== "string" || !Object.hasOwn(checksOf, mechanism)) {
    const message = `${owner}: option "mechanism" must be ${check.oneOf(...Object.keys(checksOf))(undefined)}`;
    throw new InvalidOptionError("mechanism", message);
  }
  const checks = checksOf[mechanism as SaslMechanism];
  checkOptions(owner, sasl, checks);
  for (const name of Object.keys(checks)) {
    if (sasl[name as keyof SaslConfig] !== undefined) continue;
    throw new InvalidOptionError(name, `${owner}: ${name} is missing`);
  }
  return { ...sasl };
}
