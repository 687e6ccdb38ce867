import { EmbeddedBroker } from "@ktables/client/testing";
import { GroupedKafkaTableWriter, json, LengthPrefixedKeyCodec } from "ktables";
import { afterAll, beforeAll, expect, test } from "vitest";
import { groupsCommand } from "../../packages/ktables/src/cli/groups.ts";
import { fill, ktables, objects, record, terminalContext } from "./support.ts";

let broker: EmbeddedBroker;
let args: readonly string[];

beforeAll(async () => {
  broker = await EmbeddedBroker.start();
  args = ["--bootstrap-servers", broker.bootstrapServers, "--topic", "members"];
  const writer = await GroupedKafkaTableWriter.open({
    connection: broker.bootstrapServers,
    topic: "members",
    value: json<number>(),
  });
  for (let index = 0; index < 12; index++) await writer.set("users", `member-${index}`, index);
  // In UTF-16 the emoji, a surrogate pair, comes before U+FF5E.
  await writer.set("\u{1f600}", "a", 1);
  await writer.set("\uff5e", "a", 1);
  await writer.set("", "", 1);
  await writer.set("gone", "a", 1);
  await writer.delete("gone", "a");
  await writer.set("a\u001b[2J", ":", 1);
  await writer.stop();
});

afterAll(() => broker.close());

test("groups are counted, in the order of their UTF-8 bytes", async () => {
  const { code, stdout, stderr } = await ktables("groups", ...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(objects(stdout)).toEqual([
    { group: "", members: 1 },
    { group: "a\u001b[2J", members: 1 },
    { group: "users", members: 12 },
    { group: "\uff5e", members: 1 },
    { group: "\u{1f600}", members: 1 },
  ]);
});

test("keys may have another separator", async () => {
  const separated = ["--bootstrap-servers", broker.bootstrapServers, "--topic", "separated", "--separator"];
  const writer = await GroupedKafkaTableWriter.open({
    connection: broker.bootstrapServers,
    topic: "separated",
    value: json<number>(),
    keyCodec: new LengthPrefixedKeyCodec("=>"),
  });
  await writer.set("users", "ada", 1);
  await writer.set("users", "=>", 1);
  await writer.stop();
  const { code, stdout } = await ktables("groups", ...separated, "=>");
  expect({ code, objects: objects(stdout) }).toEqual({ code: 0, objects: [{ group: "users", members: 2 }] });
  const refused = await ktables("groups", ...separated, "1");
  expect({ code: refused.code, stdout: refused.stdout }).toEqual({ code: 2, stdout: "" });
  expect(refused.stderr).toContain("the separator must be a string that is not empty, does not begin with a digit");
});

test("groups are readable on a terminal", async () => {
  const { context, out, err } = terminalContext({ "bootstrap-servers": broker.bootstrapServers, topic: "members" });
  expect(await groupsCommand.run(context)).toBe(0);
  expect(out.text).toBe(" 1  \n 1  a\\u001b[2J\n12  users\n 1  \uff5e\n 1  \u{1f600}\n");
  expect(err.text).toContain("5 groups, 16 members\n");
});

test("keys of flat tables are left out, with a warning", async () => {
  await broker.createTopic("flat");
  fill(broker, "flat", record("1:ab", "1"), record("ada", "1"), record("9:short", "1"));
  const { code, stdout, stderr } = await ktables("groups", "-b", broker.bootstrapServers, "-t", "flat");
  expect(code).toBe(0);
  expect(objects(stdout)).toEqual([{ group: "a", members: 1 }]);
  expect(stderr).toBe('ktables: warning: Left out of topic "flat": 2 keys without group and member\n');
  expect((await ktables("groups", "-b", broker.bootstrapServers, "-t", "missing")).code).toBe(4);
});
