import type { CatchUpProgress } from "../health.ts";
import type { KafkaTable } from "../table.ts";
import type { Terminal } from "./terminal.ts";
import { formatCount, formatDuration, truncate } from "./text.ts";

const intervalMs = 100;

/** One line on a terminal that follows a table which is catching up; nothing elsewhere. */
export function showProgress<V>(terminal: Terminal, table: KafkaTable<V>): { readonly end: () => void } {
  return showStatus(terminal, () => progressText(recordsSeen(table), table.health().progress));
}

/** The same for any text that changes. */
export function showStatus(terminal: Terminal, text: () => string): { readonly end: () => void } {
  if (!terminal.isTty) return { end: () => undefined };
  const timer = setInterval(() => {
    terminal.status(terminal.paint("dim", truncate(text(), terminal.width - 1)));
  }, intervalMs);
  return {
    end: () => {
      clearInterval(timer);
      terminal.status("");
    },
  };
}

/** Compaction leaves holes between the records: the share that is done counts offsets. */
export function progressText(records: number | undefined, progress: CatchUpProgress | undefined): string {
  const parts = [records === undefined ? "reading" : `catching up: ${formatCount(records)} records`];
  if (progress !== undefined && progress.total > 0) {
    const { done, total, offsetsPerSecond, etaMs } = progress;
    parts.push(`${Math.floor((done / total) * 100)} %`, `${formatCount(offsetsPerSecond)} offsets/s`);
    if (etaMs !== undefined) parts.push(`${formatDuration(etaMs)} left`);
  }
  return parts.join(", ");
}

function recordsSeen<V>(table: KafkaTable<V>): number {
  const { recordsApplied, tombstonesApplied, keylessRecords, keyDecodeErrors, valueDecodeErrors } = table.stats;
  return recordsApplied + tombstonesApplied + keylessRecords + keyDecodeErrors + valueDecodeErrors;
}
