import { keyMembers, showKey } from "./entries.ts";
import type { Entries } from "./entry-file.ts";
import type { Terminal } from "./terminal.ts";
import { truncate, visible } from "./text.ts";
import { isSameValue, showValue, valueLine, valueMembers } from "./values.ts";

/** What leads from one set of entries to another, for one key of `byteKeys`. */
export interface Difference {
  readonly key: string;
  /** Undefined: added. */
  readonly oldValue: Uint8Array | undefined;
  /** Undefined: removed. */
  readonly value: Uint8Array | undefined;
}

/** In the order of the keys' bytes. Values that differ in the white space of their JSON only count as equal. */
export function differencesOf(from: ReadonlyMap<string, Uint8Array>, to: Entries): Difference[] {
  const keys = [...new Set([...from.keys(), ...to.keys()])].sort();
  return keys
    .map((key) => ({ key, oldValue: from.get(key), value: to.get(key) }))
    .filter(({ oldValue, value }) => oldValue === undefined || value === undefined || !isSameValue(oldValue, value));
}

/** One line per difference. */
export async function printDifferences(
  differences: readonly Difference[],
  terminal: Terminal,
  isJson: boolean,
): Promise<void> {
  if (isJson) await terminal.jsonLines(linesOf(differences, differenceObject));
  else await terminal.lines(linesOf(differences, (difference) => differenceRow(difference, terminal)));
}

/** Made one at a time: all together, with their values, they may be much. */
function* linesOf(differences: readonly Difference[], lineOf: (difference: Difference) => string): Generator<string> {
  for (const difference of differences) yield lineOf(difference);
}

function differenceObject({ key, oldValue, value }: Difference): string {
  const type = oldValue === undefined ? "added" : value === undefined ? "removed" : "changed";
  const members = [`"type":"${type}"`, keyMembers(key)];
  if (value !== undefined) members.push(valueMembers(showValue(value, "auto")));
  if (oldValue !== undefined) {
    members.push(valueMembers(showValue(oldValue, "auto"), ["oldValue", "oldFormat"]));
  }
  return `{${members.join(",")}}`;
}

function differenceRow({ key, oldValue, value }: Difference, terminal: Terminal): string {
  const shown = visible(showKey(key).text);
  const room = Math.max(20, terminal.width - shown.length - 4);
  const line = (bytes: Uint8Array, width: number): string => truncate(valueLine(showValue(bytes, "auto")), width);
  const name = terminal.paint("bold", shown);
  if (oldValue === undefined) {
    return `${terminal.paint("green", "+")} ${name}  ${value === undefined ? "" : line(value, room)}`;
  }
  if (value === undefined) return `${terminal.paint("red", "-")} ${name}  ${line(oldValue, room)}`;
  const half = Math.max(10, Math.floor((room - 3) / 2));
  return `${terminal.paint("yellow", "~")} ${name}  ${line(oldValue, half)} → ${line(value, half)}`;
}
