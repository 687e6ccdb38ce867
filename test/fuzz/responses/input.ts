import { KafkaClient, KafkaError, type SaslConfig, silentLogger } from "@ktables/client";
import { Random } from "../random.ts";
import type { Elicited } from "./answers.ts";
import { expectThat, operations, type Run } from "./operations.ts";
import { connectorTo, DamagingPeer, type Deliver, listenFor, type Offer } from "./peer.ts";
import { type Damaged, damageOf, damagePlan } from "./plan.ts";

export interface Outcome {
  readonly operation: string;
  /** Code of the error that ended it. */
  readonly failedAs: string | undefined;
  readonly isTruthful: boolean;
}

/** Far above what any input takes on a busy machine: the sign of a promise that never settles. */
const hangMs = 30_000;
const users = { alice: "secret" };
const everyNthOverTcp = 20;

/** How an operation may fail with a peer that only cuts: where the versions on offer are too old. */
const honestFailures: ReadonlySet<string> = new Set(["UNSUPPORTED_API"]);

/** Runs the input with this number. Throws what the client must never do. */
export async function runInput(seed: number, index: number, onDamage: Damaged): Promise<Outcome> {
  const random = new Random(seed, index);
  const operation = random.pick(Object.keys(operations));
  const isTruthful = random.oneIn(3);
  const sasl = saslOf(random);
  const deliver = damagePlan(random, isTruthful, onDamage);
  const withoutIncremental = random.oneIn(3);
  const offer: Offer = (api, lowest, highest) => {
    // Then AlterConfigs is asked for.
    if (api === "IncrementalAlterConfigs" && withoutIncremental) return -1;
    return random.oneIn(2) ? highest : lowest + random.below(highest - lowest + 1);
  };
  return use({ operation, isTruthful, sasl, deliver, offer, random, overTcp: index % everyNthOverTcp === 0 });
}

/** Damages the answer in the way with this number. Throws what the client must never do. */
export async function runDamaged(answer: Elicited, seed: number, index: number, onDamage: Damaged): Promise<Outcome> {
  const { api, version, operation, offer, sasl } = answer;
  const random = new Random(seed, index);
  const deliver = damageOf(api, version, random, onDamage);
  return use({ operation, isTruthful: false, sasl, deliver, offer, random, overTcp: false });
}

interface Use {
  readonly operation: string;
  readonly isTruthful: boolean;
  readonly sasl: SaslConfig | undefined;
  readonly deliver: Deliver;
  readonly offer: Offer;
  readonly random: Random;
  readonly overTcp: boolean;
}

async function use({ operation, isTruthful, sasl, deliver, offer, random, overTcp }: Use): Promise<Outcome> {
  const peer = new DamagingPeer(deliver, offer, sasl && { users, acceptsToken: () => true });
  const listener = overTcp ? await listenFor(peer) : undefined;
  const waitMs = isTruthful ? 20_000 : 100;
  const client = new KafkaClient({
    bootstrapServers: `127.0.0.1:${listener?.port ?? 9092}`,
    connector: listener === undefined ? connectorTo(peer) : undefined,
    sasl,
    connectTimeoutMs: waitMs,
    requestTimeoutMs: waitMs,
    retryBackoffMs: 1,
    maxRetryBackoffMs: 5,
    maxResponseBytes: 2 ** 20,
    logger: silentLogger,
  });
  const run: Run = { client, peer, random, isTruthful, timeoutMs: isTruthful ? 20_000 : 250 };
  const failedAs = await withinTime(failureOf(run, operation), operation);
  client.close();
  await listener?.close();
  // Both ends of a connection notice its end a moment later.
  for (let turn = 0; peer.open > 0 && turn < 1000; turn++) await new Promise((resolve) => setTimeout(resolve, 1));
  expectThat(peer.open === 0, `${peer.open} connections left open`);
  return { operation, failedAs, isTruthful };
}

async function failureOf(run: Run, operation: string): Promise<string | undefined> {
  try {
    await operations[operation]?.(run);
    return undefined;
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    expectThat(/^[A-Z][A-Z0-9_-]+$/.test(error.code), `the code ${error.code}`);
    expectThat(error.message.length < 20_000, "an endless message");
    if (run.isTruthful && !honestFailures.has(error.code)) throw error;
    return error.code;
  }
}

async function withinTime<T>(work: Promise<T>, what: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const hang = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} has not settled within ${hangMs} ms`)), hangMs);
  });
  try {
    return await Promise.race([work, hang]);
  } finally {
    clearTimeout(timer);
  }
}

function saslOf(random: Random): SaslConfig | undefined {
  const choice = random.below(16);
  if (choice < 3) return { mechanism: "PLAIN", username: "alice", password: "secret" };
  if (choice < 5) return { mechanism: "OAUTHBEARER", token: async () => ({ value: "a.b.c" }) };
  // Its thousands of hashes take more time than all the rest.
  if (choice === 5 && random.oneIn(4)) return { mechanism: "SCRAM-SHA-256", username: "alice", password: "secret" };
  return undefined;
}
