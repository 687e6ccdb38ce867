import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AuthenticationError } from "../../packages/client/src/errors.ts";
import { authenticateByScram, deriveKeys, fromBase64, isEqual, toBase64 } from "../../packages/client/src/scram.ts";
import { SaslServerSession } from "../../packages/client/src/testing/sasl-server.ts";
import { bytes, failureOf, text } from "./embedded.ts";

const sha256 = { name: "SHA-256", bits: 256 } as const;
const sha512 = { name: "SHA-512", bits: 512 } as const;

/** Answers with these messages in turn, and keeps what was sent. */
function dialogue(...answers: readonly string[]) {
  const sent: string[] = [];
  return {
    sent,
    exchange: async (message: Uint8Array): Promise<Uint8Array> => {
      sent.push(text(message) ?? "");
      return bytes(answers[sent.length - 1] ?? "");
    },
    untrusted: (why: string) =>
      new AuthenticationError("SASL_SERVER_UNTRUSTED", why, { broker: "b", mechanism: "SCRAM" }),
  };
}

/** The example of RFC 7677 §3. */
const rfc7677 = {
  nonce: "rOprNGfwEbeRWgbNEkqO",
  serverFirst: "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
  serverFinal: "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
};

const attempt = (serverFirst: string, serverFinal: string, nonce = rfc7677.nonce) => {
  const peer = dialogue(serverFirst, serverFinal);
  return { peer, done: authenticateByScram(sha256, "user", "pencil", peer, nonce) };
};

describe("SCRAM (case 72)", () => {
  test("the exchange of RFC 7677 comes out byte by byte", async () => {
    const { peer, done } = attempt(rfc7677.serverFirst, rfc7677.serverFinal);
    await done;
    expect(peer.sent).toEqual([
      "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
      "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
    ]);
  });

  test("so does that of RFC 5802, which has SHA-1", async () => {
    const serverNonce = "fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j";
    const peer = dialogue(`r=${serverNonce},s=QSXCR+Q6sek8bf92,i=4096`, "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=");
    const sha1: unknown = { name: "SHA-1", bits: 160 };
    await authenticateByScram(sha1 as typeof sha256, "user", "pencil", peer, "fyko+d2lbbFgONRv9qkxdawL");
    expect(peer.sent[1]).toBe(`c=biws,r=${serverNonce},p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=`);
  });

  test("unknown extensions behind the messages change nothing but what is signed", async () => {
    const { done } = attempt(`${rfc7677.serverFirst},x=1`, rfc7677.serverFinal);
    expect((await failureOf(done)).message).toContain("signature");
    await attempt(rfc7677.serverFirst, `${rfc7677.serverFinal},x=1`).done;
  });

  test("SHA-512 gives keys of 64 bytes, different for every salt", async () => {
    const [one, other] = await Promise.all(
      [1, 2].map((salt) => deriveKeys(sha512, "pencil", Uint8Array.of(salt), 4096)),
    );
    expect([one?.clientKey.length, one?.storedKey.length, one?.serverKey.length]).toEqual([64, 64, 64]);
    expect(one).not.toEqual(other);
  });

  const { serverFirst, serverFinal, nonce } = rfc7677;
  const [, salt] = serverFirst.split(",");
  test.each([
    ["its own nonce cut short", serverFirst.replace(nonce, nonce.slice(0, -1)), serverFinal, "nonce"],
    ["our nonce and nothing more", `r=${nonce},${salt},i=4096`, serverFinal, "nonce"],
    ["a foreign nonce", `r=fyko+d2lbbFgONRv9qkxdawL,${salt},i=4096`, serverFinal, "nonce"],
    ["our nonce at the end", `r=x${nonce},${salt},i=4096`, serverFinal, "nonce"],
    ["no iterations at all", serverFirst.replace("i=4096", "i=0"), serverFinal, "iterations"],
    ["1 iteration", serverFirst.replace("i=4096", "i=1"), serverFinal, "iterations"],
    ["4095 iterations", serverFirst.replace("i=4096", "i=4095"), serverFinal, "iterations"],
    ["1 000 001 iterations", serverFirst.replace("i=4096", "i=1000001"), serverFinal, "iterations"],
    ["2^31 iterations", serverFirst.replace("i=4096", `i=${2 ** 31}`), serverFinal, "iterations"],
    ["-1 iterations", serverFirst.replace("i=4096", "i=-1"), serverFinal, "malformed"],
    [
      "a number of iterations beyond numbers",
      serverFirst.replace("i=4096", `i=${"9".repeat(400)}`),
      serverFinal,
      "malformed",
    ],
    ["no salt", `r=${nonce}x,s=,i=4096`, serverFinal, "malformed"],
    ["a salt that is no base64", `r=${nonce}x,s=A,i=4096`, serverFinal, "malformed"],
    ["a mandatory extension", `m=x,${serverFirst}`, serverFinal, "malformed"],
    ["an error at once", "e=unknown-user", serverFinal, "malformed"],
    ["nothing", "", serverFinal, "malformed"],
    ["a foreign signature", serverFirst, `v=${toBase64(new Uint8Array(32))}`, "signature"],
    [
      "half a signature",
      serverFirst,
      `v=${toBase64((fromBase64(serverFinal.slice(2)) ?? bytes("")).slice(0, 16))}`,
      "signature",
    ],
    ["no signature", serverFirst, "v=", "malformed"],
    ["nothing at the end", serverFirst, "", "malformed"],
    ["an error at the end", serverFirst, "e=invalid-proof", 'the error "invalid-proof"'],
    ["an error beside a signature", serverFirst, `e=other-error,${serverFinal}`, 'the error "other-error"'],
  ])("a server with %s is not trusted", async (_, first, final, why) => {
    const { peer, done } = attempt(first, final);
    const error = await failureOf(done);
    expect(error["code"]).toBe("SASL_SERVER_UNTRUSTED");
    expect(error.message).toContain(why);
    // Whatever could help somebody to guess the password is only sent to a server that keeps to the rules.
    const keepsToRules = why.startsWith("the error") || why === "signature" || first === serverFirst;
    expect(peer.sent).toHaveLength(keepsToRules ? 2 : 1);
  });

  test("no change of one character in the server's messages goes unnoticed", async () => {
    const messages = [serverFirst, serverFinal] as const;
    const change = fc.tuple(fc.constantFrom(0, 1), fc.nat(), fc.integer({ min: 0x20, max: 0x7e }));
    await fc.assert(
      fc.asyncProperty(change, async ([which, place, code]) => {
        const message = messages[which === 0 ? 0 : 1];
        const at = place % message.length;
        const character = String.fromCharCode(code);
        fc.pre(message[at] !== character);
        const damaged = `${message.slice(0, at)}${character}${message.slice(at + 1)}`;
        const { done } = which === 0 ? attempt(damaged, serverFinal) : attempt(serverFirst, damaged);
        expect((await failureOf(done))["code"]).toBe("SASL_SERVER_UNTRUSTED");
      }),
      { numRuns: 200 },
    );
  });

  test("any name and password are understood by the other side, and no other password", async () => {
    const word = fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 }).filter((value) => !value.includes("\0"));
    await fc.assert(
      fc.asyncProperty(word, word, fc.constantFrom(sha256, sha512), async (name, password, hash) => {
        const attemptWith = async (given: string): Promise<void> => {
          const server = new SaslServerSession({ users: { [name]: password } });
          server.begin(`SCRAM-${hash.name}`);
          const exchange = async (message: Uint8Array): Promise<Uint8Array> => {
            const answer = await server.answer(message);
            if (answer === undefined) throw new Error("refused");
            return answer;
          };
          await authenticateByScram(hash, name, given, { ...dialogue(), exchange });
        };
        await attemptWith(password);
        expect((await failureOf(attemptWith(`${password}x`))).message).toBe("refused");
      }),
      {
        numRuns: 60,
        examples: [
          ["a=b,c=2C,,", "p=,", sha256],
          ["__proto__", "ﬁ½", sha512],
        ],
      },
    );
  });
});

test("arrays are equal only if every byte is", () => {
  expect(isEqual(Uint8Array.of(1, 2), Uint8Array.of(1, 2))).toBe(true);
  for (const other of [[], [1], [1, 3], [0, 2], [1, 2, 3]]) {
    expect(isEqual(Uint8Array.of(1, 2), Uint8Array.from(other))).toBe(false);
  }
});
