import { type KafkaClient, listOffsets } from "@ktables/client";
import type { KafkaTable } from "../table.ts";
import type { Terminal } from "./terminal.ts";
import { formatCount, truncate } from "./text.ts";

const intervalMs = 100;

/** One line on a terminal that follows a table which is catching up; nothing elsewhere. */
export function showProgress<V>(
  terminal: Terminal,
  client: KafkaClient,
  table: KafkaTable<V>,
): { readonly end: () => void } {
  if (!terminal.isTty) return { end: () => undefined };
  let total: number | undefined;
  const ending = new AbortController();
  countOffsets(client, table.topic, ending.signal).then(
    (count) => {
      total = count;
    },
    // Whatever is wrong, the table will meet it too, and say so.
    () => undefined,
  );
  const startedAt = performance.now();
  const timer = setInterval(() => {
    const text = progressText(recordsSeen(table), total, performance.now() - startedAt);
    terminal.status(terminal.paint("dim", truncate(text, terminal.width - 1)));
  }, intervalMs);
  return {
    end: () => {
      clearInterval(timer);
      ending.abort();
      terminal.status("");
    },
  };
}

/**
 * Compaction leaves holes between the records, so that their number, compared with the range of offsets, tells the
 * least that is done.
 */
export function progressText(records: number, total: number | undefined, elapsedMs: number): string {
  const rate = elapsedMs > 0 ? (records / elapsedMs) * 1000 : 0;
  const share =
    total === undefined || total === 0 ? "" : `, at least ${Math.min(100, Math.floor((records / total) * 100))} %`;
  return `catching up: ${formatCount(records)} records${share}, ${formatCount(rate)}/s`;
}

function recordsSeen<V>(table: KafkaTable<V>): number {
  const { recordsApplied, tombstonesApplied, keylessRecords, keyDecodeErrors, valueDecodeErrors } = table.stats;
  return recordsApplied + tombstonesApplied + keylessRecords + keyDecodeErrors + valueDecodeErrors;
}

async function countOffsets(client: KafkaClient, topic: string, signal: AbortSignal): Promise<number> {
  const [begins, ends] = await Promise.all([
    listOffsets(client, topic, "earliest", { signal }),
    listOffsets(client, topic, "latest", { signal }),
  ]);
  let total = 0;
  for (const [partition, end] of ends) total += end - (begins.get(partition) ?? 0);
  return total;
}
