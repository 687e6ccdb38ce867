/**
 * Control characters, and those that reorder text: data from a topic must not be able to steer the terminal, or to
 * look like something else.
 */
const unsafe = /[\p{Cc}\p{Bidi_Control}\u2028\u2029\ufeff]/gu;

/** Text that is safe to show on a terminal, on one line. */
export function visible(text: string): string {
  return text.replace(unsafe, (character) => {
    switch (character) {
      case "\n":
        return "\\n";
      case "\r":
        return "\\r";
      case "\t":
        return "\\t";
      default:
        return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
    }
  });
}

/** The same with its line breaks kept. */
export function visibleLines(text: string): string {
  return text.split(/\r?\n/).map(visible).join("\n");
}

/** At most `width` characters; what is cut off becomes one ellipsis. */
export function truncate(text: string, width: number): string {
  if (text.length <= width) return text;
  if (width < 1) return "";
  // Half of a surrogate pair would be shown as a replacement character.
  return `${text.slice(0, width - 1).replace(/[\ud800-\udbff]$/, "")}…`;
}

/** Digits in groups of three: `1 234 567`. */
export function formatCount(count: number): string {
  return Math.round(count)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, " ");
}

/** Three significant digits, down to what the clock can tell: `0.42 ms`, `12.3 ms`, `1.50 s`. */
export function formatDuration(ms: number): string {
  if (ms >= 1000) return `${(ms / 1000).toFixed(2)} s`;
  if (ms >= 100) return `${ms.toFixed(0)} ms`;
  return `${ms.toFixed(ms >= 10 ? 1 : 2)} ms`;
}

export function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** `14:03:22.123`, local time. */
export function clockTime(date: Date): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  const milliseconds = String(date.getMilliseconds()).padStart(3, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${milliseconds}`;
}

const spans = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
  [1000, "s"],
  [1, "ms"],
] as const;

/** A setting's time in the largest unit that leaves no fraction: `7 d`, `90 min`. */
export function formatSpan(ms: number): string {
  const [size, unit] = spans.find(([size]) => ms >= size && ms % size === 0) ?? [1, "ms"];
  return `${formatCount(ms / size)} ${unit}`;
}

/** `512 bytes`, `1.5 KiB`, `20 MiB`. */
export function formatBytes(bytes: number): string {
  const units = [bytes === 1 ? "byte" : "bytes", "KiB", "MiB", "GiB", "TiB"];
  const power = Math.min(units.length - 1, bytes < 1024 ? 0 : Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : Number(value.toPrecision(2))} ${units[power]}`;
}
