import { check, type OptionCheck } from "./options.ts";

/** TLS settings; PEM text or bytes, never file names: the library reads no file. */
export interface TlsConfig {
  /** Certificate authorities to trust instead of the runtime's own list. */
  readonly ca?: string | Uint8Array | readonly (string | Uint8Array)[] | undefined;
  /** Client certificate chain, where the broker asks for one. */
  readonly cert?: string | Uint8Array | undefined;
  /** Private key of `cert`. */
  readonly key?: string | Uint8Array | undefined;
  readonly passphrase?: string | undefined;
  /** Name to ask for (SNI) and to check the certificate against. Default: the broker's host name. */
  readonly serverName?: string | undefined;
  /** `false` accepts any certificate; for tests only. Default true. */
  readonly rejectUnauthorized?: boolean | undefined;
}

const pem = (value: unknown): string | undefined =>
  typeof value === "string" || value instanceof Uint8Array ? undefined : "PEM text or bytes";

export const tlsChecks: Readonly<Record<keyof TlsConfig, OptionCheck>> = {
  ca: (value: unknown) =>
    (Array.isArray(value) ? value : [value]).every((item) => pem(item) === undefined)
      ? undefined
      : "PEM text or bytes, or an array of them",
  cert: pem,
  key: pem,
  passphrase: check.string,
  serverName: check.nonEmptyString,
  rejectUnauthorized: check.boolean,
};
