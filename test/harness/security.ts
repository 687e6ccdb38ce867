import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { KafkaOptions } from "./kafka-cluster.ts";
import { runCommand } from "./run-command.ts";

/** PEM texts of one certificate and its key. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

/** An authority, and what it has signed for tests. */
export interface Certificates {
  readonly ca: string;
  /** For `localhost`, `127.0.0.1` and `::1`. */
  readonly server: Identity;
  /** The same, but its time was over yesterday. */
  readonly expired: Identity;
  /** Has the name `CN=client-1`. */
  readonly client: Identity;
  /** Files for a broker's `ssl.keystore.location` and `ssl.truststore.location` (type PEM). */
  readonly keystoreFile: string;
  readonly truststoreFile: string;
}

const serverNames = "DNS:localhost,IP:127.0.0.1,IP:::1";

/** Makes everything with openssl, in well below a second, inside an existing directory. */
export async function makeCertificates(directory: string): Promise<Certificates> {
  const openssl = (command: string): Promise<string> => runCommand("openssl", command.split(" "), { cwd: directory });
  await openssl(
    "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=authority " +
      "-addext keyUsage=critical,keyCertSign -keyout ca-key.pem -out ca.pem",
  );
  const issue = async (name: string, subject: string, days: number, names: string): Promise<Identity> => {
    await openssl(`req -newkey rsa:2048 -nodes -subj ${subject} -keyout ${name}-key.pem -out ${name}.csr`);
    await writeFile(join(directory, `${name}.ext`), `subjectAltName=${names}\n`);
    await openssl(
      `x509 -req -in ${name}.csr -CA ca.pem -CAkey ca-key.pem -CAcreateserial -days ${days} ` +
        `-extfile ${name}.ext -out ${name}.pem`,
    );
    return { cert: await text(directory, `${name}.pem`), key: await text(directory, `${name}-key.pem`) };
  };
  const server = await issue("server", "/CN=broker", 30, serverNames);
  const expired = await issue("expired", "/CN=broker", -1, serverNames);
  const client = await issue("client", "/CN=client-1", 30, "DNS:client-1");
  const keystoreFile = join(directory, "keystore.pem");
  await writeFile(keystoreFile, `${server.key}${server.cert}`);
  return {
    ca: await text(directory, "ca.pem"),
    server,
    expired,
    client,
    keystoreFile,
    truststoreFile: join(directory, "ca.pem"),
  };
}

/** Who may come in, with which password, by every password mechanism. */
export const users = {
  alice: "alice-secret",
  // SCRAM gives "=" a meaning; the ligature and the fraction are what SASLprep would change.
  "bob=builder": "pässwörd ﬁ½ = x",
} as const;

/**
 * A broker with a listener for each kind of security. Sessions on `REAUTH` last 1.5 s; the shortest that Kafka can renew
 * in time is just above 1 s.
 */
export function securedKafka({ keystoreFile, truststoreFile }: Certificates): KafkaOptions {
  const modules = "org.apache.kafka.common.security";
  const plain = `${modules}.plain.PlainLoginModule required user_alice="${users.alice}";`;
  const scram = `${modules}.scram.ScramLoginModule required;`;
  const withPasswords = (listener: string, session: Record<string, string> = {}): Record<string, string> => {
    const at = `listener.name.${listener}`;
    const mechanisms = { plain, "scram-sha-256": scram, "scram-sha-512": scram };
    return Object.fromEntries([
      [`${at}.sasl.enabled.mechanisms`, "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512"],
      ...Object.entries(mechanisms).map(([name, module]) => [`${at}.${name}.sasl.jaas.config`, module]),
      ...Object.keys(mechanisms).flatMap((name) =>
        Object.entries(session).map(([property, value]) => [`${at}.${name}.${property}`, value]),
      ),
    ]);
  };
  const token = `${modules}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`;
  return {
    listeners: {
      TLS: "SSL",
      MTLS: "SSL",
      SASL: "SASL_PLAINTEXT",
      SASLTLS: "SASL_SSL",
      REAUTH: "SASL_PLAINTEXT",
      ONLYSCRAM: "SASL_PLAINTEXT",
      OAUTH: "SASL_PLAINTEXT",
    },
    scramUsers: Object.entries(users).flatMap(([name, password]) =>
      ["SCRAM-SHA-256", "SCRAM-SHA-512"].map(
        (mechanism) => `${mechanism}=[name=${name},iterations=4096,password=${password}]`,
      ),
    ),
    brokerConfig: {
      "ssl.keystore.type": "PEM",
      "ssl.keystore.location": keystoreFile,
      "ssl.truststore.type": "PEM",
      "ssl.truststore.location": truststoreFile,
      "listener.name.mtls.ssl.client.auth": "required",
      ...withPasswords("sasl"),
      ...withPasswords("sasltls"),
      ...withPasswords("reauth", { "connections.max.reauth.ms": "1500" }),
      "listener.name.onlyscram.sasl.enabled.mechanisms": "SCRAM-SHA-512",
      "listener.name.onlyscram.scram-sha-512.sasl.jaas.config": scram,
      "listener.name.oauth.sasl.enabled.mechanisms": "OAUTHBEARER",
      "listener.name.oauth.oauthbearer.sasl.jaas.config": token,
    },
  };
}

/** An unsigned JWT, which Kafka takes where nothing else is configured; for tests only. */
export function unsecuredToken(subject: string, lifetimeSeconds: number): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const now = Math.floor(Date.now() / 1000);
  return `${part({ alg: "none" })}.${part({ sub: subject, iat: now, exp: now + lifetimeSeconds })}.`;
}

async function text(directory: string, file: string): Promise<string> {
  return readFile(join(directory, file), "utf8");
}
