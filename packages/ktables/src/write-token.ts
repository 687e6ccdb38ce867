import { InvalidOptionError } from "@ktables/client";
import { check, describe } from "@ktables/client/internal";

/** Where a write is in the topic. Survives `JSON.stringify`, so that another process can wait for it. */
export interface WriteToken {
  readonly topic: string;
  /** Missing on brokers without topic ids (before 2.8). */
  readonly topicId?: string;
  readonly partition: number;
  /** -1 where the broker told none, as with `acks: 0`. */
  readonly offset: number;
}

/**
 * Tokens arrive as JSON from other processes.
 *
 * @param partitions Those that the table reads; undefined for all.
 * @throws InvalidOptionError for one that is not of this topic, or of a partition that is not read
 */
export function checkTokens(
  topic: string,
  partitions: readonly number[] | undefined,
  tokens: WriteToken | readonly WriteToken[],
): readonly WriteToken[] {
  const list: readonly unknown[] = Array.isArray(tokens) ? tokens : [tokens];
  return list.map((token) => {
    if (!isToken(token)) {
      throw new InvalidOptionError("token", `waitFor: a write token was expected, got ${describe(token)}`);
    }
    if (token.topic !== topic) {
      throw new InvalidOptionError("token", `waitFor: the token is of topic "${token.topic}", the table of "${topic}"`);
    }
    if (partitions?.includes(token.partition) === false) {
      const message = `the token is of partition ${token.partition}, the table reads ${partitions.join(", ")} only`;
      throw new InvalidOptionError("token", `waitFor: ${message}`);
    }
    return token;
  });
}

function isToken(value: unknown): value is WriteToken {
  if (typeof value !== "object" || value === null) return false;
  const { topic, partition, offset } = value as Partial<Record<keyof WriteToken, unknown>>;
  return (
    typeof topic === "string" && check.integer(0)(partition) === undefined && check.integer(-1)(offset) === undefined
  );
}
