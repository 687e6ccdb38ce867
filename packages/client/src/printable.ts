const maximumLength = 500;

/** What a broker says, fit for a line of a log: nothing in it steers a terminal, and it has an end. */
export function printable(text: string): string {
  const line = text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, " ");
  return line.length > maximumLength ? `${line.slice(0, maximumLength)}…` : line;
}
