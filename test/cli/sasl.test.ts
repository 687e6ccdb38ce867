import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EmbeddedBroker } from "@ktables/client/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fill, ktables, objects, record } from "./support.ts";

const directory = mkdtempSync(join(tmpdir(), "ktables-sasl-"));
const file = (name: string, content: string): string => {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
};
const rightPassword = file("password", "open sesame \n");
const wrongPassword = file("wrong-password", "guessed\n");

let broker: EmbeddedBroker;
let topic: readonly string[];

beforeAll(async () => {
  broker = await EmbeddedBroker.start({
    topics: [{ name: "t" }],
    sasl: { users: { alice: "open sesame " }, acceptsToken: (token) => token === "abc.def" },
  });
  fill(broker, "t", record("a", "1"));
  topic = ["-b", broker.bootstrapServers, "-t", "t"];
});

afterAll(async () => {
  rmSync(directory, { recursive: true });
  await broker.close();
});

test.each(["SCRAM-SHA-256", "SCRAM-SHA-512"])(
  "%s with a password from a file, to its last space",
  async (mechanism) => {
    const sasl = ["--sasl-mechanism", mechanism, "--username", "alice", "--password-file", rightPassword];
    expect(await ktables("get", "a", ...sasl, ...topic)).toEqual({ code: 0, stdout: "1\n", stderr: "" });
  },
);

test("PLAIN in clear works with a warning", async () => {
  const sasl = ["--sasl-mechanism", "PLAIN", "--username", "alice", "--password-file", rightPassword];
  const { code, stdout, stderr } = await ktables("get", "a", ...sasl, ...topic);
  expect({ code, stdout }).toEqual({ code: 0, stdout: "1\n" });
  expect(stderr).toMatch(/^ktables: warning: SASL PLAIN without TLS .*\n$/);
});

test("OAUTHBEARER with a token from a file", async () => {
  const sasl = ["--sasl-mechanism", "OAUTHBEARER", "--token-file", file("token", "abc.def\r\n")];
  expect(await ktables("get", "a", ...sasl, ...topic)).toEqual({ code: 0, stdout: "1\n", stderr: "" });
});

test("a wrong password is refused by the broker, at once and without being shown", async () => {
  const sasl = ["--sasl-mechanism", "SCRAM-SHA-256", "--username", "alice", "--password-file", wrongPassword];
  const { code, stderr } = await ktables("get", "a", "--json", "--timeout-ms", "60000", ...sasl, ...topic);
  expect(code).toBe(4);
  expect(objects(stderr)).toMatchObject([{ type: "error", code: "SASL_AUTHENTICATION_FAILED" }]);
  const debug = await ktables("get", "a", "--debug", ...sasl, ...topic);
  expect(debug.stderr).toContain("    at ");
  expect(debug.stderr).not.toContain("guessed");
});

test.each([
  [["--username", "alice"], "--username needs --sasl-mechanism"],
  [["--password-file", rightPassword], "--password-file needs --sasl-mechanism"],
  [
    ["--sasl-mechanism", "GSSAPI"],
    '--sasl-mechanism must be one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER, not "GSSAPI"',
  ],
  [["--sasl-mechanism", "PLAIN"], "PLAIN needs --username"],
  [["--sasl-mechanism", "PLAIN", "--username", "alice"], "PLAIN needs --password-file"],
  [["--sasl-mechanism", "PLAIN", "--username", "a", "--token-file", rightPassword], "--token-file is for OAUTHBEARER"],
  [["--sasl-mechanism", "OAUTHBEARER"], "OAUTHBEARER needs --token-file"],
  [
    ["--sasl-mechanism", "OAUTHBEARER", "--username", "alice"],
    "OAUTHBEARER takes --token-file, and neither --username nor --password-file",
  ],
  [
    ["--sasl-mechanism", "PLAIN", "--username", "alice", "--password-file", file("empty", "\n")],
    `--password-file: "${join(directory, "empty")}" is empty`,
  ],
])("%j is a wrong command line", async (options, message) => {
  expect(await ktables("get", "a", ...options, ...topic)).toEqual({
    code: 2,
    stdout: "",
    stderr: `ktables: ${message}\n`,
  });
});

test("a file that cannot be read is named by its option", async () => {
  const sasl = ["--sasl-mechanism", "PLAIN", "--username", "alice", "--password-file", join(directory, "missing")];
  const { code, stderr } = await ktables("get", "a", ...sasl, ...topic);
  expect(code).toBe(2);
  expect(stderr).toMatch(/^ktables: --password-file: cannot read the file: .*\n$/);
});
