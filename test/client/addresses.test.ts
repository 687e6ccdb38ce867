import { readFileSync } from "node:fs";
import { connect as connectTcp, type Socket } from "node:net";
import { createServer, type Server } from "node:tls";
import type { HostLookup } from "@ktables/client";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { firstToConnect } from "../../packages/client/src/first-to-connect.ts";
import { atEnd, clientFor, failureOf, startBroker } from "./embedded.ts";

const never = new AbortController().signal;
const portOf = (bootstrapServers: string): string => bootstrapServers.split(":")[1] ?? "";

describe("addresses of one host", () => {
  type Outcome = "connects" | "fails" | "hangs";

  /** Connects as the outcomes say; records what was tried and what was discarded. */
  function scripted(outcomes: readonly Outcome[]): {
    tried: string[];
    discarded: string[];
    aborted: string[];
    race: (signal?: AbortSignal) => Promise<string>;
    allTried: Promise<void>;
  } {
    const { promise: allTried, resolve: noteAllTried } = Promise.withResolvers<void>();
    const tried: string[] = [];
    const discarded: string[] = [];
    const aborted: string[] = [];
    const names = outcomes.map((outcome, index) => `${index} ${outcome}`);
    const connect = (name: string, signal: { addEventListener(type: "abort", listener: () => void): void }) => {
      if (tried.push(name) === outcomes.length) noteAllTried();
      signal.addEventListener("abort", () => aborted.push(name));
      if (name.includes("connects")) return Promise.resolve(name);
      if (name.includes("fails")) return Promise.reject(new Error(name));
      return new Promise<string>(() => undefined);
    };
    const discard = (name: string): void => void discarded.push(name);
    const race = (signal: AbortSignal = never): Promise<string> =>
      firstToConnect(names, { connect, discard, delayMs: 1 }, signal);
    return { tried, discarded, aborted, race, allTried };
  }

  test("are tried in order; the first that connects is taken, and all that hang are given up", async () => {
    const outcome = fc.constantFrom<Outcome>("connects", "fails", "hangs");
    await fc.assert(
      fc.asyncProperty(fc.array(outcome, { minLength: 1, maxLength: 5 }), async (outcomes) => {
        const { race, tried, aborted, allTried } = scripted(outcomes);
        const expected = outcomes.indexOf("connects");
        if (expected >= 0) {
          expect(await race()).toBe(`${expected} connects`);
          expect(tried.length).toBe(expected + 1);
          expect(aborted.filter((name) => name.includes("hangs"))).toEqual(
            tried.filter((name) => name.includes("hangs")),
          );
        } else if (outcomes.includes("hangs")) {
          const caller = new AbortController();
          const waiting = race(caller.signal);
          await allTried;
          caller.abort(new Error("enough"));
          await expect(waiting).rejects.toThrow("enough");
          expect(tried.length).toBe(outcomes.length);
          expect(aborted.length).toBe(tried.length);
        } else {
          const failure = await race().catch((error: unknown) => error);
          expect((failure as AggregateError).errors.map(({ message }) => message)).toEqual(tried);
        }
      }),
      { numRuns: 60 },
    );
  });

  test("that connect too late are ended", async () => {
    const slow = Promise.withResolvers<string>();
    const discarded: string[] = [];
    const winner = await firstToConnect(
      ["slow", "quick"],
      {
        connect: (name) => (name === "slow" ? slow.promise : Promise.resolve(name)),
        discard: (name) => void discarded.push(name),
        delayMs: 1,
      },
      never,
    );
    expect(winner).toBe("quick");
    slow.resolve("slow");
    await new Promise((resolve) => setTimeout(resolve));
    expect(discarded).toEqual(["slow"]);
  });

  test("there are none", async () => {
    await expect(scripted([]).race()).rejects.toThrow(AggregateError);
    await expect(scripted(["hangs"]).race(AbortSignal.abort(new Error("gone")))).rejects.toThrow("gone");
  });
});

describe("a host name (case 70)", () => {
  test("is looked up before each connection, and each of its addresses is tried", async () => {
    const broker = await startBroker();
    const asked: string[] = [];
    const answers = [["127.0.0.2", "127.0.0.3", "127.0.0.1"], ["127.0.0.1"]];
    const lookup: HostLookup = async (host) => {
      asked.push(host);
      return answers[asked.length - 1] ?? [];
    };
    broker.intercept("Metadata", async (_, context) => {
      const answer = await context.handle();
      return answer === undefined
        ? "close"
        : { ...answer, brokers: answer.brokers.map((node) => ({ ...node, host: "broker.test" })) };
    });
    const bootstrapServers = `broker.test:${portOf(broker.bootstrapServers)}`;
    const client = clientFor({ bootstrapServers }, { lookup });
    await client.topicMetadata("t");
    expect(asked).toEqual(["broker.test"]);
    await broker.stopNode(0);
    await broker.startNode(0);
    await client.topicMetadata("t");
    expect(asked).toEqual(["broker.test", "broker.test"]);
  });

  test("without a living address fails with what each of them said", async () => {
    const broker = await startBroker();
    await broker.close();
    const bootstrapServers = `broker.test:${portOf(broker.bootstrapServers)}`;
    const client = clientFor({ bootstrapServers }, { lookup: async () => ["127.0.0.1", "127.0.0.2"] });
    const error = await failureOf(client.topicMetadata("t", { timeoutMs: 400 }));
    expect(error).toMatchObject({ code: "CONNECTION_FAILED", retriable: true, broker: bootstrapServers });
    expect(error.message).toMatch(/127\.0\.0\.1.*; .*127\.0\.0\.2/);
  });

  test.each([
    ["gives nothing", async () => []],
    ["gives names", async () => ["other.test"]],
    ["gives no array", async () => "127.0.0.1" as never],
    ["fails", () => Promise.reject(new Error("no such service"))],
    [
      "throws",
      (): never => {
        throw new Error("no such service");
      },
    ],
  ] satisfies [string, HostLookup][])("whose lookup %s is an error that says so", async (_, lookup) => {
    const error = await failureOf(
      clientFor({ bootstrapServers: "broker.test:9092" }, { lookup }).topicMetadata("t", { timeoutMs: 400 }),
    );
    expect(error).toMatchObject({ code: "CONNECTION_FAILED", retriable: true });
    expect(error.message).toMatch(/lookup must give an array of IP addresses|no such service/);
  });

  test("whose lookup never comes back is given up in time, and told so", async () => {
    let told: { readonly aborted: boolean } | undefined;
    const lookup: HostLookup = (_, signal) => {
      told ??= signal;
      return new Promise(() => undefined);
    };
    const client = clientFor({ bootstrapServers: "broker.test:9092" }, { lookup, connectTimeoutMs: 30 });
    expect(await failureOf(client.topicMetadata("t", { timeoutMs: 400 }))).toMatchObject({ code: "CONNECTION_FAILED" });
    expect(told?.aborted).toBe(true);
  });

  test("is not looked up where it is an address", async () => {
    const broker = await startBroker();
    const lookup = (): never => {
      throw new Error("asked");
    };
    await clientFor(broker, { lookup }).topicMetadata("t");
  });
});

describe("TLS", () => {
  const fixture = (name: string): string =>
    readFileSync(new URL(`../cli/fixtures/${name}.pem`, import.meta.url), "utf8");

  /** TLS in front of the embedded broker; notes which names were asked for. */
  async function tlsListener(target: string): Promise<{ port: number; names: (string | false | undefined)[] }> {
    const names: (string | false | undefined)[] = [];
    const sockets = new Set<Socket>();
    const [host = "", port = ""] = target.split(":");
    const server: Server = createServer({ key: fixture("localhost-key"), cert: fixture("localhost") }, (encrypted) => {
      names.push((encrypted as { servername?: string | false }).servername);
      const plain = connectTcp(Number(port), host);
      for (const socket of [encrypted, plain]) {
        sockets.add(socket);
        socket.on("error", () => undefined);
      }
      encrypted.pipe(plain).pipe(encrypted);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    atEnd(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    const address = server.address();
    return { port: typeof address === "object" && address !== null ? address.port : 0, names };
  }

  test("leaves the dot of an absolute name out of SNI and the check of the certificate (case 73)", async () => {
    const broker = await startBroker();
    const { port, names } = await tlsListener(broker.bootstrapServers);
    const asked: string[] = [];
    const lookup: HostLookup = async (host) => {
      asked.push(host);
      return ["127.0.0.2", "127.0.0.1"];
    };
    const config = { tls: { ca: fixture("localhost") }, lookup };
    await clientFor({ bootstrapServers: `localhost.:${port}` }, config).topicMetadata("t");
    // The resolver gets the dot: it keeps search domains out.
    expect(asked).toEqual(["localhost."]);
    expect(names).toEqual(["localhost"]);
    const error = await failureOf(
      clientFor({ bootstrapServers: `elsewhere.test.:${port}` }, config).topicMetadata("t", { timeoutMs: 15_000 }),
    );
    expect(error).toMatchObject({ code: "TLS_FAILED", retriable: false });
  });

  test("checks an address that serverName gives", async () => {
    const broker = await startBroker();
    const { port, names } = await tlsListener(broker.bootstrapServers);
    const clientWith = (serverName: string): Promise<unknown> =>
      clientFor(
        { bootstrapServers: `localhost:${port}` },
        { tls: { ca: fixture("localhost"), serverName }, lookup: async () => ["127.0.0.1"] },
      ).topicMetadata("t", { timeoutMs: 15_000 });
    await clientWith("127.0.0.1");
    expect(names).toEqual([false]);
    expect(await failureOf(clientWith("127.0.0.9"))).toMatchObject({ code: "TLS_FAILED" });
  });
});

test("IPv6 stands in brackets, and reaches the lookup and the peer without them", async () => {
  const error = await failureOf(clientFor({ bootstrapServers: "[::1]:1" }).topicMetadata("t", { timeoutMs: 400 }));
  expect(error).toMatchObject({ code: "CONNECTION_FAILED", broker: "[::1]:1" });
  expect(error.message).toMatch(/Cannot connect to \[::1\]:1: connect \w+ ::1/);
});
