import { describe } from "./options.ts";
import type { SaslToken } from "./sasl-config.ts";

const encoder = /* @__PURE__ */ new TextEncoder();

/** The answer to an error message of the broker, which then ends the exchange (RFC 7628 §3.2.3). */
export const oauthAcknowledgement: Uint8Array = /* @__PURE__ */ Uint8Array.of(1);

/** The first message of the client (RFC 7628 §3.1, KIP-342). Throws an error that says what the token lacks. */
export function oauthFirstMessage(token: SaslToken): Uint8Array {
  if (typeof token !== "object" || token === null) throw new TypeError(`it gave ${describe(token)}, not { value }`);
  const { value, extensions = {} } = token;
  if (typeof value !== "string" || !/^[-._~+/A-Za-z0-9]+=*$/.test(value)) {
    throw new TypeError("the value of its token is no bearer token (RFC 6750)");
  }
  let pairs = "";
  for (const [name, text] of Object.entries(extensions)) {
    if (!/^[A-Za-z]+$/.test(name) || name.toLowerCase() === "auth") {
      throw new TypeError(`${JSON.stringify(name)} cannot be the name of an extension`);
    }
    if (typeof text !== "string" || !/^[\x21-\x7e \t\r\n]+$/.test(text)) {
      throw new TypeError(`the value of the extension ${name} is not printable ASCII`);
    }
    pairs += `\x01${name}=${text}`;
  }
  return encoder.encode(`n,,\x01auth=Bearer ${value}${pairs}\x01\x01`);
}

/** What the broker's error message says (RFC 7628 §3.2.2), for people. */
export function oauthErrorText(message: Uint8Array): string {
  try {
    const parsed: unknown = JSON.parse(new TextDecoder().decode(message));
    if (typeof parsed === "object" && parsed !== null && "status" in parsed) {
      const scope = "scope" in parsed && typeof parsed.scope === "string" ? `, scope ${parsed.scope}` : "";
      if (typeof parsed.status === "string") return `${parsed.status}${scope}`;
    }
  } catch {
    // Not JSON: there is nothing to tell.
  }
  return "the token is refused";
}
