/** The records of the topics: the same for every run, so that what a table must hold is known without Kafka. */
import { createHash } from "node:crypto";

export interface Shape {
  readonly records: number;
  /** How many keys there are; with as many as records, each record has its own. */
  readonly keys: number;
  /** Exactly so many bytes of JSON. */
  readonly valueSize: number;
}

const words = [
  "open",
  "closed",
  "waiting",
  "shipped",
  "returned",
  "paid",
  "north",
  "south",
  "east",
  "west",
  "priority",
];

/** Above ten million, and a prime: multiples of another number reach each key once, in an order that is no order. */
const prime = 10_000_019;
const step = 6_180_339;

/** 10 to 17 bytes of ASCII. */
export function keyOf(index: number, { records, keys }: Shape): string {
  return `customer-${keys < records ? (index * 7919) % keys : (index * step) % prime}`;
}

/**
 * ASCII, and as every language's JSON writer with sorted names and without spaces makes it, so that what was parsed can
 * be compared. Some of it repeats and some does not: LZ4 halves it.
 */
export function valueOf(index: number, { valueSize }: Shape): string {
  const scrambled = (index * 7919) % 1_000_003;
  const head = `{"amount":${(scrambled % 99_991) / 100},"id":${index},"note":"`;
  const tail =
    valueSize < 200
      ? `","state":"${words[index % 11]}"}`
      : `","owner":{"name":"user ${scrambled % 977}","verified":${index % 3 === 0}},"state":"${words[index % 11]}","tags":["${words[scrambled % 11]}","${words[scrambled % 7]}"]}`;
  let note = "";
  const room = valueSize - head.length - tail.length;
  for (let word = 0; note.length < room; word++) {
    note += `${words[(scrambled + word * 5) % 11]} ${(scrambled * (word + 3)) % 9973} `;
  }
  return head + note.slice(0, room) + tail;
}

/** What a table holds, in a few characters. */
export interface Contents {
  readonly keys: number;
  /** SHA-256 of the entries in the order of their keys, each with a newline after the key and after the value. */
  readonly digest: string;
}

export function contentsOf(keys: readonly string[], value: (key: string) => string): Contents {
  const hash = createHash("sha256");
  let text = "";
  for (const key of keys.toSorted()) {
    text += `${key}\n${value(key)}\n`;
    if (text.length < 65_536) continue;
    hash.update(text);
    text = "";
  }
  return { keys: keys.length, digest: hash.update(text).digest("hex") };
}

/** What every table of a topic of this shape must hold. */
export function expectedContents(shape: Shape): Contents {
  const last = new Map<string, number>();
  for (let index = 0; index < shape.records; index++) last.set(keyOf(index, shape), index);
  return contentsOf([...last.keys()], (key) => valueOf(last.get(key) ?? 0, shape));
}
