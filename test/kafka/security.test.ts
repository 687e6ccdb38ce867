import type { AddressInfo } from "node:net";
import { createServer } from "node:tls";
import {
  AuthenticationError,
  bytes as bytesCodec,
  ConnectionError,
  json,
  KafkaClient,
  type KafkaClientConfig,
  KafkaTable,
  KafkaTableWriter,
  type SaslConfig,
  silentLogger,
  type TlsConfig,
} from "ktables";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTopic } from "../../packages/client/src/admin.ts";
import { Tap } from "../client/tapped-connector.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../harness/broker-jvm.ts";
import { type KafkaCluster, startKafka } from "../harness/kafka.ts";
import { type Certificates, makeCertificates, securedKafka, unsecuredToken, users } from "../harness/security.ts";
import { rejection } from "../suites/support.ts";

let directory: TemporaryDirectory;
let certificates: Certificates;
let kafka: KafkaCluster;
let tls: TlsConfig;
const topic = "t";

beforeAll(async () => {
  directory = await temporaryDirectory("ktables-security-");
  certificates = await makeCertificates(directory.path);
  tls = { ca: certificates.ca };
  kafka = await startKafka(securedKafka(certificates));
  const client = new KafkaClient(kafka.bootstrapServers);
  await createTopic(client, topic, { partitions: 2, configs: { "cleanup.policy": "compact" } });
  client.close();
});

afterAll(async () => {
  await kafka?.stop();
  await directory?.remove();
});

const at = (listener: string): string => {
  const address = kafka.nodes[0]?.listenerAddresses?.[listener];
  if (address === undefined) throw new Error(`there is no listener ${listener}`);
  return address;
};

/** Asks the cluster for the topic. */
async function look(config: KafkaClientConfig, timeoutMs = 5000): Promise<number> {
  const client = new KafkaClient({ logger: silentLogger, ...config });
  try {
    return (await client.topicMetadata(topic, { timeoutMs })).partitions.length;
  } finally {
    client.close();
  }
}

/** What refuses is known at once: none of this may take the time that retrying would. */
async function refusal(config: KafkaClientConfig): Promise<Error & { code?: string; retriable?: boolean }> {
  return rejection(look(config, 60_000));
}

const token: SaslConfig = {
  mechanism: "OAUTHBEARER",
  token: async () => ({ value: unsecuredToken("alice", 600), extensions: { traceId: "a b=c" } }),
};
const password = (mechanism: "PLAIN" | "SCRAM-SHA-256" | "SCRAM-SHA-512", username: keyof typeof users = "alice") =>
  ({ mechanism, username, password: users[username] }) as const;
const mechanisms = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] as const;

describe("TLS", () => {
  test("by address, by name, and by another name that the certificate has", async () => {
    const port = at("TLS").split(":")[1];
    expect(await look({ bootstrapServers: at("TLS"), tls })).toBe(2);
    expect(await look({ bootstrapServers: `localhost:${port}`, tls })).toBe(2);
    expect(await look({ bootstrapServers: at("TLS"), tls: { ...tls, serverName: "localhost" } })).toBe(2);
  });

  test("with a client certificate where the broker wants one", async () => {
    expect(await look({ bootstrapServers: at("MTLS"), tls: { ...tls, ...certificates.client } })).toBe(2);
  });

  const cases: readonly [string, string, () => boolean | TlsConfig, RegExp][] = [
    ["an authority that nobody trusts", "TLS", () => true, /certificate/],
    ["a certificate for another host", "TLS", () => ({ ...tls, serverName: "other.example" }), /altnames/],
    ["no client certificate where one is needed", "MTLS", () => tls, /bad certificate/],
    ["no TLS where it is needed", "TLS", () => false, /set the option tls/],
  ];
  test.each(cases)("%s is a clear error at once", async (_, listener, options, message) => {
    const error = await refusal({ bootstrapServers: at(listener), tls: options() });
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error.code).toBe(options() === false ? "NOT_KAFKA" : "TLS_FAILED");
    expect(error.retriable).toBe(false);
    expect(error.message).toMatch(message);
  });

  test("with a certificate whose time is over is a clear error at once", async () => {
    const { expired } = certificates;
    const server = createServer(expired);
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const error = await refusal({ bootstrapServers: `127.0.0.1:${port}`, tls });
    expect(error).toMatchObject({ code: "TLS_FAILED", retriable: false });
    expect(error.message).toContain("certificate has expired");
    await new Promise<void>((resolve) => void server.close(() => resolve()));
  });

  test("asks for the host by name, and never by address (RFC 6066)", async () => {
    const names: unknown[] = [];
    const server = createServer(certificates.server, (socket) => {
      names.push(socket.servername);
      socket.destroy();
    });
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    for (const [host, serverName] of [
      ["localhost", undefined],
      ["127.0.0.1", undefined],
      ["127.0.0.1", "localhost"],
    ] as const) {
      const before = names.length;
      const error = await rejection(look({ bootstrapServers: `${host}:${port}`, tls: { ...tls, serverName } }, 200));
      expect(error.code).toBe("CONNECTION_CLOSED");
      names.splice(before + 1);
    }
    expect(names).toEqual(["localhost", false, "localhost"]);
    await new Promise<void>((resolve) => void server.close(() => resolve()));
  });

  test("where the broker expects none says so within the time", async () => {
    const error = await rejection(look({ bootstrapServers: kafka.bootstrapServers, tls }, 500));
    expect(error.code).toBe("CONNECTION_FAILED");
    expect(error.message).toContain("does this port expect TLS?");
  });
});

describe("SASL", () => {
  test.each(mechanisms)("%s, in clear and over TLS", async (mechanism) => {
    expect(await look({ bootstrapServers: at("SASL"), sasl: password(mechanism) })).toBe(2);
    expect(await look({ bootstrapServers: at("SASLTLS"), tls, sasl: password(mechanism) })).toBe(2);
  });

  test.each(["SCRAM-SHA-256", "SCRAM-SHA-512"] as const)(
    "%s with a name and a password that SASLprep would change: Kafka takes them as they are",
    async (mechanism) => {
      expect(await look({ bootstrapServers: at("SASL"), sasl: password(mechanism, "bob=builder") })).toBe(2);
    },
  );

  test("OAUTHBEARER with extensions", async () => {
    expect(await look({ bootstrapServers: at("OAUTH"), sasl: token })).toBe(2);
  });

  test.each(mechanisms)("%s with a wrong password is refused for good", async (mechanism) => {
    const sasl = { ...password(mechanism), password: "wrong-password" };
    const error = await refusal({ bootstrapServers: at("SASL"), sasl });
    expect(error).toBeInstanceOf(AuthenticationError);
    expect(error).toMatchObject({ code: "SASL_AUTHENTICATION_FAILED", retriable: false, mechanism });
    expect(error.message).not.toContain("wrong-password");
  });

  test("OAUTHBEARER with a token that is over is refused for good", async () => {
    const sasl = { ...token, token: async () => ({ value: unsecuredToken("alice", -600) }) };
    const error = await refusal({ bootstrapServers: at("OAUTH"), sasl });
    expect(error).toMatchObject({ code: "SASL_AUTHENTICATION_FAILED", retriable: false });
    expect(error.message).toContain("invalid_token");
  });

  test("a mechanism that is not enabled, with those that are", async () => {
    const error = await refusal({ bootstrapServers: at("ONLYSCRAM"), sasl: password("PLAIN") });
    expect(error).toMatchObject({ code: "UNSUPPORTED_SASL_MECHANISM", enabledMechanisms: ["SCRAM-SHA-512"] });
  });

  test("where the listener has none", async () => {
    const error = await refusal({ bootstrapServers: kafka.bootstrapServers, sasl: password("SCRAM-SHA-256") });
    expect(error).toMatchObject({ code: "ILLEGAL_SASL_STATE", retriable: false });
  });

  test("missing where the listener wants it", async () => {
    const error = await rejection(look({ bootstrapServers: at("SASL") }, 500));
    expect(error).toMatchObject({ code: "CONNECTION_CLOSED", retriable: true });
    expect(error.message).toContain("does this listener want SASL?");
  });
});

test("a table follows a writer over SASL_SSL", async () => {
  const connection = {
    bootstrapServers: at("SASLTLS"),
    tls,
    sasl: password("SCRAM-SHA-512"),
    logger: silentLogger,
  } as const;
  const writer = await KafkaTableWriter.open({ connection, topic, value: json() });
  const table = await KafkaTable.open({ connection, topic, value: json() });
  for (let count = 0; count < 100; count++) await table.waitFor(await writer.set(`key ${count}`, { count }));
  expect(table.size).toBe(100);
  expect(table.get("key 99")).toEqual({ count: 99 });
  await table.stop();
  await writer.close();
});

test.each(mechanisms)(
  "%s sessions of 1.5 s are renewed under pipelined writes: same connections, nothing lost",
  async (mechanism) => {
    const tap = new Tap();
    const warnings: string[] = [];
    const logger = { ...silentLogger, warn: (message: string) => void warnings.push(message) };
    const config = { bootstrapServers: at("REAUTH"), sasl: password(mechanism), connector: tap.connector, logger };
    const client = new KafkaClient(config);
    const name = `renewed-${mechanism.toLowerCase()}`;
    await createTopic(client, name, { partitions: 1, configs: { "cleanup.policy": "compact" } });
    const table = await KafkaTable.open({ connection: client, topic: name, value: bytesCodec() });
    const writer = await KafkaTableWriter.open({ connection: client, topic: name, value: bytesCodec() });
    const writes: ReturnType<typeof writer.set>[] = [];
    const until = performance.now() + 5000;
    while (performance.now() < until) {
      for (let count = 0; count < 10; count++) writes.push(writer.set(`${writes.length}`, Uint8Array.of(count)));
      await new Promise((resolve) => setTimeout(resolve, 4));
    }
    const tokens = await Promise.all(writes);
    const last = tokens.at(-1);
    if (last !== undefined) await table.waitFor(last);
    expect(tokens.map(({ offset }) => offset)).toEqual(tokens.map((_, index) => index));
    expect(table.size).toBe(writes.length);
    // Control, produce and fetch: each authenticated once and, every 1.3 to 1.4 s, again.
    expect(tap.connections).toBe(3);
    expect(tap.unansweredAtHandshake.length).toBeGreaterThanOrEqual(3 + 2 * 3);
    expect(new Set(tap.unansweredAtHandshake)).toEqual(new Set([0]));
    expect(warnings).toEqual([]);
    console.log(`${mechanism}: ${writes.length} writes, ${tap.unansweredAtHandshake.length - 3} renewals`);
    await writer.close();
    await table.stop();
    client.close();
  },
);
