import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { EmbeddedBroker } from "@ktables/client/testing";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");

test("the example of the README runs as printed", async () => {
  const readme = await readFile(join(root, "README.md"), "utf8");
  const example = /```ts\n(.*?)```/s.exec(readme)?.[1] ?? "";
  expect(example).toContain('"localhost:9092"');
  const broker = await EmbeddedBroker.start();
  const directory = await mkdtemp(join(tmpdir(), "ktables-readme-"));
  try {
    // The only change: nobody can count on a broker at that port.
    await writeFile(join(directory, "example.ts"), example.replace("localhost:9092", broker.bootstrapServers));
    await writeFile(join(directory, "package.json"), '{ "type": "module" }');
    await symlink(join(root, "node_modules"), join(directory, "node_modules"));
    const { stdout } = await promisify(execFile)(process.execPath, ["--conditions=@ktables/source", "example.ts"], {
      cwd: directory,
      env: { ...process.env, NO_COLOR: "1" },
    });
    expect(stdout).toContain("http://10.0.0.7:8080\n");
    expect(stdout).toContain("status: 'caught_up'");
    expect(stdout).toMatch(
      /value: { url: 'http:\/\/10\.0\.0\.9:8080' },\s+oldValue: { url: 'http:\/\/10\.0\.0\.7:8080' }/,
    );
  } finally {
    await rm(directory, { recursive: true });
    await broker.close();
  }
});
