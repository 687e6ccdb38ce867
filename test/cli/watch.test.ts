import { setTimeout as pause } from "node:timers/promises";
import { EmbeddedBroker } from "@ktables/client/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fill, objects, Run, record, refuseFetch } from "./support.ts";

let broker: EmbeddedBroker;

beforeAll(async () => {
  broker = await EmbeddedBroker.start();
});

afterAll(() => broker.close());

async function watch(topic: string, ...options: string[]): Promise<Run> {
  await broker.createTopic(topic);
  fill(broker, topic, record("a/1", "1"), record("b/1", '{"x":1}'), record("a/2", "2"), record("a/2", null));
  return new Run(["watch", "--bootstrap-servers", broker.bootstrapServers, "--topic", topic, ...options]);
}

const isCaughtUp = (stdout: string): boolean => stdout.includes('"caught_up"');

test.each(["SIGINT", "SIGTERM"] as const)("watch prints every change until %s", async (signal) => {
  const run = await watch(`changes-${signal}`);
  await run.until(isCaughtUp);
  fill(broker, `changes-${signal}`, record("a/1", "3"), record("b/1", null));
  fill(broker, `changes-${signal}`, record("c", "text"));
  await run.until((stdout) => stdout.includes('"c"'));
  run.child.kill(signal);
  const { code, stdout, stderr } = await run.ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(objects(stdout)).toEqual([
    { type: "caught_up", keys: 2 },
    { type: "set", key: "a/1", value: 3, format: "json", initial: false },
    { type: "delete", key: "b/1", initial: false },
    { type: "set", key: "c", value: "text", format: "string", initial: false },
  ]);
});

test("watch --initial begins with what is there, --prefix leaves the rest out", async () => {
  const run = await watch("initial", "--initial", "--prefix", "a/");
  await run.until(isCaughtUp);
  fill(broker, "initial", record("b/1", "5"), record("a/3", "6"));
  await run.until((stdout) => stdout.includes("a/3"));
  run.child.kill("SIGINT");
  expect(objects((await run.ended).stdout)).toEqual([
    { type: "set", key: "a/1", value: 1, format: "json", initial: true },
    { type: "caught_up", keys: 2 },
    { type: "set", key: "a/3", value: 6, format: "json", initial: false },
  ]);
});

test("watch goes on through a broker's failures and says so", async () => {
  const run = await watch("trouble", "--json");
  await run.until(isCaughtUp);
  broker.intercept("Fetch", () => "close", { times: 1 });
  fill(broker, "trouble", record("a", "1"));
  fill(broker, "trouble", record("b", "2"));
  await run.until((stdout) => stdout.includes('"b"'));
  run.child.kill("SIGINT");
  const { code, stdout } = await run.ended;
  expect(code).toBe(0);
  expect(objects(stdout)).toHaveLength(3);
});

test("watch ends when it can be interrupted before it has caught up", async () => {
  let fetched = (): void => undefined;
  const isFetching = new Promise<void>((resolve) => {
    fetched = resolve;
  });
  const remove = broker.intercept("Fetch", () => {
    fetched();
    return "ignore";
  });
  const run = await watch("parked");
  await isFetching;
  run.child.kill("SIGINT");
  expect(await run.ended).toEqual({ code: 0, stdout: "", stderr: "" });
  remove();
});

test("watch waits longer than its timeout for the end of the topic", async () => {
  let isHeld = true;
  broker.intercept("Fetch", async () => {
    if (isHeld) await pause(100);
    return "pass";
  });
  const run = await watch("slow", "--timeout-ms", "1500");
  await run.until(isCaughtUp);
  isHeld = false;
  run.child.kill("SIGINT");
  expect((await run.ended).code).toBe(0);
});

test("watch ends with 5 when the table fails", async () => {
  const run = await watch("corrupt");
  await run.until(isCaughtUp);
  const damaged = new Uint8Array(61);
  // Long enough for a header, of format 2, with a checksum that is wrong.
  damaged[11] = 49;
  damaged[16] = 2;
  broker.append("corrupt", 0, damaged);
  const { code, stderr } = await run.ended;
  expect(code).toBe(5);
  expect(stderr).toMatch(/^(ktables: warning: .*\n)+ktables: The table of topic "corrupt" died: .+\n$/);
});

test("watch ends with 4 when the topic is not to be read any more", async () => {
  const run = await watch("revoked");
  await run.until(isCaughtUp);
  broker.intercept("Fetch", refuseFetch);
  const { code, stderr } = await run.ended;
  expect(code).toBe(4);
  expect(stderr).toMatch(/^ktables: The table of topic "revoked" died: .*TOPIC_AUTHORIZATION_FAILED.*\n$/);
});
