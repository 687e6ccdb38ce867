import type { AuthenticationError } from "./errors.ts";

/** What a SASL mechanism needs of the connection. */
export interface SaslDialogue {
  /** Sends a message of the mechanism and resolves with the broker's answer to it; rejects where the broker refuses. */
  exchange(message: Uint8Array): Promise<Uint8Array>;
  /** The broker broke the rules of the mechanism, or did not prove who it is. */
  untrusted(why: string): AuthenticationError;
}
