import { KafkaClient, silentLogger } from "@ktables/client";
import { describe, expect, test } from "vitest";
import { Random } from "./random.ts";
import { operations } from "./responses/operations.ts";
import { connectorTo, DamagingPeer, type Deliver } from "./responses/peer.ts";

/** Uses a new client once, and returns the sizes of the answers that its peer gave. */
async function use(operation: string, deliver: Deliver): Promise<number[]> {
  const sizes: number[] = [];
  const peer = new DamagingPeer(
    (answer) => {
      sizes.push(answer.frame.length);
      return deliver(answer);
    },
    (_, highest) => highest,
    undefined,
  );
  const client = new KafkaClient({
    bootstrapServers: "127.0.0.1:9092",
    connector: connectorTo(peer),
    retryBackoffMs: 1,
    maxRetryBackoffMs: 2,
    logger: silentLogger,
  });
  try {
    const run = { client, peer, random: new Random(1, 1), isTruthful: true, timeoutMs: 20_000 };
    await operations[operation]?.(run);
  } finally {
    client.close();
  }
  return sizes;
}

const whole: Deliver = ({ frame }) => ({ chunks: [frame], ending: "go on" });

describe("a connection that is cut at any byte of any answer", () => {
  test.each(Object.keys(operations))(
    "costs %s another attempt, and nothing else",
    async (operation) => {
      const sizes = (await use(operation, whole)).slice(0, 8);
      expect(sizes.length).toBeGreaterThanOrEqual(2);
      const cuts = sizes.flatMap((size, answer) => Array.from({ length: size + 1 }, (_, at) => ({ answer, at })));
      const cut = async ({ answer, at }: { answer: number; at: number }): Promise<void> => {
        let number = 0;
        await use(operation, ({ frame }) =>
          number++ === answer
            ? { chunks: [frame.subarray(0, at)], ending: "close" }
            : { chunks: [frame], ending: "go on" },
        ).catch((cause: unknown) => {
          throw new Error(`cut at byte ${at} of answer ${answer}`, { cause });
        });
      };
      for (let next = 0; next < cuts.length; next += 20) await Promise.all(cuts.slice(next, next + 20).map(cut));
    },
    60_000,
  );
});

test.each(Object.keys(operations))(
  "answers that come byte by byte are read by %s as if they came whole",
  async (operation) => {
    await use(operation, ({ frame }) => ({
      chunks: Array.from(frame, (_, at) => frame.subarray(at, at + 1)),
      ending: "go on",
    }));
  },
);
