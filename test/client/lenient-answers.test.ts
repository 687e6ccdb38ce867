import { BrokerError } from "@ktables/client";
import { describe, expect, test, vi } from "vitest";
import { atEnd, clientFor, failureOf } from "./embedded.ts";
import { answer, apiVersionsV3, FakePeer } from "./fake-peer.ts";

const saslApis = [
  [3, 7, 7],
  [17, 1, 1],
  [18, 0, 3],
  [36, 1, 1],
] as const;

/** SaslAuthenticate version 1: error code, text, empty authentication bytes, lifetime. */
function saslAnswer(errorCode: number, text: Uint8Array | null, lifetimeMs: bigint): Buffer {
  const body = Buffer.alloc(2 + 2 + (text?.length ?? 0) + 4 + 8);
  body.writeInt16BE(errorCode, 0);
  body.writeInt16BE(text?.length ?? -1, 2);
  if (text !== null) body.set(text, 4);
  body.writeBigInt64BE(lifetimeMs, body.length - 8);
  return body;
}

/** A peer that answers SaslAuthenticate as told, and answers nothing else. */
async function saslPeer(saslAnswers: readonly Buffer[], onMetadata: () => void = () => undefined): Promise<FakePeer> {
  const peer = await FakePeer.start(({ apiKey, correlationId, socket }) => {
    if (apiKey === 18) socket.write(answer(correlationId, apiVersionsV3(0, saslApis)));
    else if (apiKey === 17) socket.write(answer(correlationId, Buffer.from("0000000000010005504c41494e", "hex")));
    else if (apiKey === 36) socket.write(Buffer.concat(saslAnswers.map((body) => answer(correlationId, body))));
    else onMetadata();
  });
  atEnd(() => peer.close());
  return peer;
}

const sasl = { mechanism: "PLAIN", username: "alice", password: "secret" } as const;

describe("a broker that exaggerates", () => {
  test("with a session of 292 million years is believed as far as a number goes (case 72)", async () => {
    const asked = Promise.withResolvers<void>();
    const peer = await saslPeer([saslAnswer(0, null, 2n ** 63n - 1n)], asked.resolve);
    const client = clientFor({ bootstrapServers: peer.address }, { sasl });
    const calling = failureOf(client.topicMetadata("t"));
    // Nothing is asked on a connection that was not accepted.
    await Promise.race([asked.promise, calling.then((error) => Promise.reject(error))]);
    client.close();
    await calling;
  });

  test("and repeats itself leaves no session behind, of a connection that has ended", async () => {
    const hour = 3_600_000;
    const accepted = saslAnswer(0, null, BigInt(hour));
    // The second comes with the first, and is an answer to nothing.
    const peer = await saslPeer([accepted, accepted]);
    const timers = vi.spyOn(globalThis, "setTimeout");
    atEnd(() => timers.mockRestore());
    const client = clientFor({ bootstrapServers: peer.address }, { sasl });
    const error = await failureOf(client.topicMetadata("t", { timeoutMs: 400 }));
    expect(error["code"]).toBe("PROTOCOL_VIOLATION");
    expect(timers.mock.calls.filter(([, delay]) => delay !== undefined && delay > hour / 2)).toEqual([]);
  });

  test("with a text that is not UTF-8 is understood all the same", async () => {
    const peer = await saslPeer([saslAnswer(58, Buffer.from([0x6e, 0x6f, 0xc3, 0x28]), 0n)]);
    const error = await failureOf(
      clientFor({ bootstrapServers: peer.address }, { sasl }).topicMetadata("t", { timeoutMs: 2000 }),
    );
    expect(error).toMatchObject({ code: "SASL_AUTHENTICATION_FAILED" });
    expect(error.message).toContain("refuses: no\ufffd(");
  });

  test("in an error's text neither steers a terminal nor floods a log", () => {
    const { message } = new BrokerError(29, { api: "Fetch", brokerMessage: `\x1b[2J\n${"x".repeat(30_000)}` });
    expect(message).toContain("(29):  [2J x");
    expect(message.length).toBeLessThan(700);
  });
});
