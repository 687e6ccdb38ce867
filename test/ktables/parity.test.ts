import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const root = new URL("../../", import.meta.url);

test("every test that the parity document names exists", () => {
  const document = readFileSync(new URL("docs/python-parity.md", root), "utf8");
  const sources = ["test/ktables/", "test/suites/", "test/kafka/"]
    .flatMap((directory) =>
      readdirSync(new URL(directory, root)).map((file) => readFileSync(new URL(directory + file, root), "utf8")),
    )
    .join("\n");
  const rows = document.split("\n").filter((line) => /^\| (\d|[a-q])/.test(line));
  expect(rows.length).toBeGreaterThan(130);
  const named = rows.flatMap((row) => [...(row.split("|")[3] ?? "").matchAll(/`([^`]+)`/g)].map((match) => match[1]));
  const missing = named.filter((name) => !sources.includes(JSON.stringify(name)));
  expect(missing).toEqual([]);
});

test("every behaviour from 1 to 142 has a row", () => {
  const document = readFileSync(new URL("docs/python-parity.md", root), "utf8");
  const covered = new Set<number>();
  for (const [, first, last] of document.matchAll(/^\| (\d+)(?:-(\d+))? \|/gm)) {
    for (let number = Number(first); number <= Number(last ?? first); number++) covered.add(number);
  }
  const all = Array.from({ length: 142 }, (_, index) => index + 1);
  expect(all.filter((number) => !covered.has(number))).toEqual([]);
});

test("every row names a test, or says why there is none", () => {
  const document = readFileSync(new URL("docs/python-parity.md", root), "utf8");
  const rows = document.split("\n").flatMap((line) => {
    const [, number, , shown] = /^\| ([\d-]+|[a-q](?:, [a-q])*) \| (.*?) \| (.*) \|$/.exec(line) ?? [];
    return number === undefined ? [] : [{ number, shown: shown ?? "" }];
  });
  expect(rows.length).toBeGreaterThan(130);
  const reason = /^(by construction|does not apply: |as \d)/;
  expect(rows.filter(({ shown }) => !reason.test(shown) && !/`[^`]+`/.test(shown))).toEqual([]);
  expect(rows.filter(({ shown }) => /\blater\b/i.test(shown.replaceAll(/`[^`]*`/g, "")))).toEqual([]);
});
