import { KafkaClient, silentLogger } from "@ktables/client";
import { describe, expect, test } from "vitest";
import { Random } from "./random.ts";
import { type Elicited, everyAnswer } from "./responses/answers.ts";
import { operations } from "./responses/operations.ts";
import { type Answer, connectorTo, DamagingPeer, type Deliver, offerAll } from "./responses/peer.ts";

type Use = Pick<Elicited, "operation" | "offer" | "sasl">;

/** Uses a new client once, and returns the answers that its peer gave. */
async function use({ operation, offer, sasl }: Use, deliver: Deliver): Promise<Answer[]> {
  const answers: Answer[] = [];
  const peer = new DamagingPeer(
    (answer) => {
      answers.push(answer);
      return deliver(answer);
    },
    offer,
    sasl && { users: { alice: "secret" } },
  );
  const client = new KafkaClient({
    bootstrapServers: "127.0.0.1:9092",
    connector: connectorTo(peer),
    sasl,
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
  return answers;
}

const whole: Deliver = ({ frame }) => ({ chunks: [frame], ending: "go on" });

/** Uses the client once for each byte of an answer, after which its connection is cut. */
async function cutAnywhere(what: Use, number: number, { api, version, frame }: Answer): Promise<void> {
  const cut = async (at: number): Promise<void> => {
    let before = 0;
    await use(what, (answer) =>
      before++ === number ? { chunks: [answer.frame.subarray(0, at)], ending: "close" } : whole(answer),
    ).catch((cause: unknown) => {
      throw new Error(`cut at byte ${at} of answer ${number}, to ${api} ${version}`, { cause });
    });
  };
  for (let next = 0; next <= frame.length; next += 20) {
    const count = Math.min(20, frame.length + 1 - next);
    await Promise.all(Array.from({ length: count }, (_, index) => cut(next + index)));
  }
}

const allAnswers = await everyAnswer();
const uses = Object.keys(operations).map((operation) => ({ operation, offer: offerAll, sasl: undefined }));

describe("a connection that is cut at any byte of any answer", () => {
  test.each(uses)(
    "costs $operation another attempt, and nothing else",
    async (what) => {
      const answers = (await use(what, whole)).slice(0, 8);
      expect(answers.length).toBeGreaterThanOrEqual(2);
      for (const [number, answer] of answers.entries()) await cutAnywhere(what, number, answer);
    },
    60_000,
  );

  test.each(allAnswers)(
    "costs another attempt, and nothing else, where the answer is to $api $version",
    async (what) => {
      const answers = await use(what, whole);
      const number = answers.findIndex(({ api, version }) => api === what.api && version === what.version);
      const answer = answers[number];
      if (answer === undefined) throw new Error("no such answer was asked for");
      await cutAnywhere(what, number, answer);
    },
    60_000,
  );
});

test.each(uses)("answers that come byte by byte are read by $operation as if they came whole", async (what) => {
  await use(what, ({ frame }) => ({
    chunks: Array.from(frame, (_, at) => frame.subarray(at, at + 1)),
    ending: "go on",
  }));
});
