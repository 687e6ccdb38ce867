import { inspect } from "node:util";
import {
  AuthenticationError,
  KafkaClient,
  type KafkaClientConfig,
  Producer,
  type SaslConfig,
  silentLogger,
} from "@ktables/client";
import type { EmbeddedBroker, EmbeddedBrokerOptions } from "@ktables/client/testing";
import { describe, expect, test, vi } from "vitest";
import { resolveConfig } from "../../packages/client/src/config.ts";
import { Connection } from "../../packages/client/src/connection.ts";
import { atEnd, bytes, clientFor, failureOf, reading, requestsOf, startBroker, stopClock } from "./embedded.ts";

const secret = "tr0ub4dor&3";
const users = { alice: secret };
const passwordMechanisms = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] as const;
const withPassword = (mechanism: (typeof passwordMechanisms)[number], password = secret): SaslConfig => ({
  mechanism,
  username: "alice",
  password,
});
const withToken = (value: string, extensions?: Record<string, string>): SaslConfig => ({
  mechanism: "OAUTHBEARER",
  token: async () => ({ value, extensions }),
});

async function secured(options: EmbeddedBrokerOptions["sasl"] = {}): Promise<EmbeddedBroker> {
  return startBroker({ sasl: { users, acceptsToken: (token) => token === "good.token", ...options } });
}

async function open(broker: EmbeddedBroker, config: Partial<KafkaClientConfig>): Promise<Connection> {
  const resolved = resolveConfig({ bootstrapServers: broker.bootstrapServers, logger: silentLogger, ...config });
  const [address] = resolved.bootstrapServers;
  if (address === undefined) throw new Error("no address");
  const connection = await Connection.open(address, resolved, new AbortController().signal);
  atEnd(() => connection.close());
  return connection;
}

const call = { timeoutMs: 15_000 };

describe("a broker that asks for credentials", () => {
  test.each([...passwordMechanisms.map((mechanism) => withPassword(mechanism)), withToken("good.token", { a: "b c" })])(
    "lets $mechanism in, on every connection",
    async (sasl) => {
      const broker = await secured();
      const client = clientFor(broker, { sasl });
      const producer = new Producer(client);
      atEnd(() => producer.close());
      await producer.send({ topic: "t", key: bytes("k"), value: bytes("v") });
      const seen = await reading(broker, {}, { sasl });
      await seen.until(({ keys }) => keys.includes("k"));
      // Control and produce of the one client, control and fetch of the other.
      expect(requestsOf(broker, "SaslHandshake")).toBe(4);
      expect(broker.errors).toEqual([]);
    },
  );

  test.each([...passwordMechanisms.map((mechanism) => withPassword(mechanism, "wrong")), withToken("bad.token")])(
    "refuses wrong credentials of $mechanism at once, for good and by name",
    async (sasl) => {
      const broker = await secured();
      const error = await failureOf(clientFor(broker, { sasl }).topicMetadata("t", call));
      expect(error).toBeInstanceOf(AuthenticationError);
      expect(error).toMatchObject({
        code: "SASL_AUTHENTICATION_FAILED",
        retriable: false,
        mechanism: sasl.mechanism,
        broker: broker.bootstrapServers,
      });
      expect(error.message).toContain(sasl.mechanism);
      expect(requestsOf(broker, "SaslHandshake")).toBe(1);
    },
  );

  test("tells which mechanisms it enables", async () => {
    const broker = await secured({ mechanisms: ["SCRAM-SHA-512", "OAUTHBEARER"] });
    const error = await failureOf(clientFor(broker, { sasl: withPassword("PLAIN") }).topicMetadata("t", call));
    expect(error).toMatchObject({
      code: "UNSUPPORTED_SASL_MECHANISM",
      retriable: false,
      enabledMechanisms: ["SCRAM-SHA-512", "OAUTHBEARER"],
    });
    expect(error.message).toContain("enabled are SCRAM-SHA-512, OAUTHBEARER");
    expect(requestsOf(broker, "SaslAuthenticate"), "the password was not sent").toBe(0);
  });

  test("is asked only once where the password is wrong, however many brokers there are", async () => {
    const broker = await startBroker({ nodes: 3, sasl: { users } });
    const error = await failureOf(
      clientFor(broker, { sasl: withPassword("SCRAM-SHA-256", "wrong") }).topicMetadata("t", call),
    );
    expect(error["code"]).toBe("SASL_AUTHENTICATION_FAILED");
    expect(requestsOf(broker, "SaslHandshake")).toBe(1);
  });

  test("cuts off a client without credentials, which is told why", async () => {
    const error = await failureOf(clientFor(await secured()).topicMetadata("t", { timeoutMs: 100 }));
    expect(error["code"]).toBe("CONNECTION_CLOSED");
    expect(error.message).toMatch(/closed the connection instead of answering; does this listener want SASL\?/);
  });

  test("and one that does not: credentials are refused, and not sent", async () => {
    const broker = await startBroker();
    const error = await failureOf(clientFor(broker, { sasl: withPassword("PLAIN") }).topicMetadata("t", call));
    expect(error).toMatchObject({ code: "ILLEGAL_SASL_STATE", retriable: false });
    expect(requestsOf(broker, "SaslAuthenticate")).toBe(0);
  });

  test("is too old to be authenticated to in frames", async () => {
    const broker = await startBroker({ sasl: { users }, maxVersions: { SaslHandshake: -1 } });
    const error = await failureOf(clientFor(broker, { sasl: withPassword("PLAIN") }).topicMetadata("t", call));
    expect(error).toMatchObject({ code: "UNSUPPORTED_API", api: "SaslHandshake" });
  });

  test.each([0, 1, 2])("is spoken to in version %i of SaslAuthenticate", async (version) => {
    const broker = await startBroker({ sasl: { users }, maxVersions: { SaslAuthenticate: version } });
    await clientFor(broker, { sasl: withPassword("SCRAM-SHA-512") }).topicMetadata("t", call);
    const versions = broker.requests.filter(({ api }) => api === "SaslAuthenticate").map((request) => request.version);
    expect(versions).toEqual([version, version]);
  });

  test("and never answers is given up in time, also while the signature of SCRAM is outstanding", async () => {
    const broker = await secured();
    const { pass } = stopClock();
    let messages = 0;
    const unanswered = Promise.withResolvers<void>();
    broker.intercept("SaslAuthenticate", () => {
      if (++messages < 2) return "pass";
      unanswered.resolve();
      return "ignore";
    });
    const config = { sasl: withPassword("SCRAM-SHA-256"), connectTimeoutMs: 80 };
    const failing = failureOf(open(broker, config));
    await unanswered.promise;
    await pass(80);
    const error = await failing;
    expect(error).toMatchObject({ code: "TIMEOUT", retriable: true });
    expect(error.message).toContain("Authentication");
    expect(messages).toBe(2);
  });

  test("but cannot prove that it knows the password is not trusted: nothing is asked of it", async () => {
    const broker = await secured();
    broker.intercept("SaslAuthenticate", async (_, context) => {
      const answer = await context.handle();
      if (answer === undefined) return "close";
      return new TextDecoder().decode(answer.authBytes).startsWith("v=")
        ? { ...answer, authBytes: bytes(`v=${btoa("x".repeat(32))}`) }
        : answer;
    });
    const error = await failureOf(clientFor(broker, { sasl: withPassword("SCRAM-SHA-256") }).topicMetadata("t", call));
    expect(error).toMatchObject({ code: "SASL_SERVER_UNTRUSTED", retriable: false });
    expect(requestsOf(broker, "Metadata")).toBe(0);
  });

  test("and answers with megabytes is not trusted", async () => {
    const broker = await secured();
    broker.intercept("SaslAuthenticate", () => {
      return { errorCode: 0, errorMessage: null, authBytes: new Uint8Array(65_537), sessionLifetimeMs: 0 };
    });
    const error = await failureOf(open(broker, { sasl: withPassword("PLAIN") }));
    expect(error["code"]).toBe("SASL_SERVER_UNTRUSTED");
  });

  test("and fails with another error is asked again", async () => {
    const broker = await secured();
    const refusal = { errorCode: 7, errorMessage: "later", authBytes: bytes(""), sessionLifetimeMs: 0 };
    broker.intercept("SaslAuthenticate", () => refusal, { times: 1 });
    await clientFor(broker, { sasl: withPassword("PLAIN") }).topicMetadata("t", call);
    expect(requestsOf(broker, "SaslHandshake")).toBe(2);
  });
});

describe("a token function", () => {
  test("is asked for every connection, with a signal", async () => {
    const broker = await secured();
    const signals: { readonly aborted: boolean }[] = [];
    const token = async (signal: { readonly aborted: boolean }): Promise<{ value: string }> => {
      signals.push(signal);
      return { value: "good.token" };
    };
    const config = { sasl: { mechanism: "OAUTHBEARER", token } as const };
    await Promise.all([open(broker, config), open(broker, config)]);
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, false]);
  });

  test("that fails is asked again; its error is the cause, and its text is not repeated", async () => {
    const broker = await secured();
    let calls = 0;
    const trouble = new Error(`POST https://login/?client_secret=${secret} failed`);
    const token = async (): Promise<{ value: string }> => {
      if (++calls === 1) throw trouble;
      return { value: "good.token" };
    };
    const config = { sasl: { mechanism: "OAUTHBEARER", token } as const };
    const error = await failureOf(open(broker, config));
    expect(error).toMatchObject({ code: "SASL_TOKEN_UNAVAILABLE", retriable: true, cause: trouble });
    expect(error.message).not.toContain(secret);
    calls = 0;
    await clientFor(broker, config).topicMetadata("t", call);
    expect(calls).toBe(2);
  });

  test("that never settles is given up in time, and is told so by its signal", async () => {
    const broker = await secured();
    const { pass } = stopClock();
    let seen: { readonly aborted: boolean } | undefined;
    const asked = Promise.withResolvers<void>();
    const token = (signal: { readonly aborted: boolean }): Promise<never> => {
      seen = signal;
      asked.resolve();
      return new Promise(() => undefined);
    };
    const sasl = { mechanism: "OAUTHBEARER", token } as const;
    const failing = failureOf(open(broker, { sasl, connectTimeoutMs: 50 }));
    await asked.promise;
    await pass(50);
    const error = await failing;
    expect(error["code"]).toBe("TIMEOUT");
    expect(seen?.aborted).toBe(true);
  });

  test.each([
    ["nothing", undefined],
    ["a bare string", "good.token"],
    ["an empty token", { value: "" }],
    ["a token with a line break", { value: "good\ntoken" }],
    ["a token with a separator", { value: "good\x01auth=x" }],
    ["an extension called auth", { value: "good.token", extensions: { auth: "x" } }],
    ["an extension with a strange name", { value: "good.token", extensions: { "a=b": "x" } }],
    ["an extension with a separator", { value: "good.token", extensions: { a: "x\x01y" } }],
    ["an empty extension", { value: "good.token", extensions: { a: "" } }],
  ])("that gives %s is a defect, not tried again and not sent", async (_, given) => {
    const broker = await secured();
    const token = async (): Promise<never> => given as never;
    const client = clientFor(broker, { sasl: { mechanism: "OAUTHBEARER", token } });
    const error = await failureOf(client.topicMetadata("t", call));
    expect(error).toMatchObject({ code: "SASL_TOKEN_UNAVAILABLE", retriable: false });
    expect(error.message).not.toContain("good");
    expect(requestsOf(broker, "SaslAuthenticate")).toBe(0);
  });
});

describe("secrets", () => {
  const shown = (value: unknown): string => {
    const text = typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);
    return inspect(value, { depth: 20, showHidden: true, getters: true }) + text;
  };
  const key = "-----BEGIN PRIVATE KEY-----\nMIIsecretkey\n-----END PRIVATE KEY-----";
  const tls = { key, cert: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", passphrase: "opensesame" };

  test.each(passwordMechanisms)("of %s are in no client, config, error or log", async (mechanism) => {
    const lines: unknown[] = [];
    const log = (...parts: unknown[]): void => void lines.push(parts);
    const logger = { debug: log, info: log, warn: log, error: log };
    const broker = await startBroker({ sasl: { users: { alice: "other" } } });
    const client = clientFor(broker, { sasl: withPassword(mechanism), logger });
    const error = await failureOf(client.topicMetadata("t", call));
    const config = resolveConfig({ bootstrapServers: "h:1", tls, sasl: withPassword(mechanism) });
    const everything = [client, client.config, config, error, ...lines].map(shown).join("\n");
    expect(everything).toContain("SASL_AUTHENTICATION_FAILED");
    for (const hidden of [secret, "MIIsecretkey", "opensesame"]) expect(everything).not.toContain(hidden);
    // They are there all the same.
    expect(config.sasl?.reveal()).toMatchObject({ password: secret });
    expect(config.tls?.reveal()).toMatchObject(tls);
  });

  test("that a broker repeats are left out of the error, and so is what steers a terminal", async () => {
    const broker = await secured();
    const refuse = (errorMessage: string) => () => ({
      errorCode: 58,
      errorMessage,
      authBytes: bytes(""),
      sessionLifetimeMs: 0,
    });
    const stop = broker.intercept("SaslAuthenticate", refuse(`"${secret}" is wrong`));
    const repeating = await failureOf(open(broker, { sasl: withPassword("PLAIN") }));
    expect(repeating.message).not.toContain(secret);
    stop();
    broker.intercept("SaslAuthenticate", refuse(`no\x1b[2J\n${"x".repeat(30_000)}`));
    const steering = await failureOf(open(broker, { sasl: withPassword("PLAIN") }));
    expect(steering.message).toContain("refuses: no [2J x");
    expect(steering.message.length).toBeLessThan(700);
  });

  test("go over the wire in clear with a warning only, one for each client", () => {
    const warn = vi.fn();
    const logger = { ...silentLogger, warn };
    const client = (config: Partial<KafkaClientConfig>): KafkaClient =>
      new KafkaClient({ bootstrapServers: "h:1", logger, ...config });
    client({ sasl: withPassword("PLAIN") });
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn.mock.calls[0]?.[0]).toMatch(/PLAIN without TLS/);
    client({ sasl: withPassword("PLAIN"), tls: true });
    client({ sasl: withPassword("SCRAM-SHA-256") });
    expect(warn).toHaveBeenCalledTimes(1);
  });
});
