import { formatUuid } from "../protocol/uuid.ts";

/** A random id as Java prints it. Never with a leading dash, which command lines would take for an option. */
export function randomUuid(): string {
  for (;;) {
    const text = formatUuid(crypto.getRandomValues(new Uint8Array(16)), 0);
    if (!text.startsWith("-")) return text;
  }
}
