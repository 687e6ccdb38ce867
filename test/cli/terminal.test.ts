import { expect, test } from "vitest";
import { Terminal } from "../../packages/ktables/src/cli/terminal.ts";
import { Screen } from "./support.ts";

test("colours are for terminals whose user has not declined them", () => {
  const paint = (isTTY: boolean, environment: Record<string, string>): string =>
    new Terminal(new Screen({ isTTY }), environment).paint("red", "x");
  expect(paint(true, {})).toBe("\u001b[31mx\u001b[39m");
  expect(paint(true, { NO_COLOR: "" })).toBe("\u001b[31mx\u001b[39m");
  expect(paint(true, { NO_COLOR: "1" })).toBe("x");
  expect(paint(true, { TERM: "dumb" })).toBe("x");
  expect(paint(false, {})).toBe("x");
});

test("a terminal that does not know its width is taken for 80 characters wide", () => {
  expect(new Terminal(new Screen({ columns: 0 }), {}).width).toBe(80);
  expect(new Terminal(new Screen({ columns: 132 }), {}).width).toBe(132);
  expect(new Terminal(new Screen({ isTTY: false }), {}).width).toBe(Number.POSITIVE_INFINITY);
});

test("JSON is escaped for terminals only", async () => {
  for (const [isTTY, shown] of [
    [true, '{"a":"\\u009b\\u202eb\\n"}\n'],
    [false, '{"a":"\u009b\u202eb\\n"}\n'],
  ] as const) {
    const screen = new Screen({ isTTY });
    const terminal = new Terminal(screen, {});
    const json = JSON.stringify({ a: "\u009b\u202eb\n" });
    terminal.json(json);
    await terminal.jsonLines([json]);
    expect(screen.text).toBe(shown + shown);
  }
});

test("lines wait for a slow reader", async () => {
  const written: string[] = [];
  let drain: (() => void) | undefined;
  const terminal = new Terminal(
    {
      write: (text) => {
        written.push(text);
        return false;
      },
      on: () => undefined,
      once: (_, listener) => {
        drain = listener;
      },
    },
    {},
  );
  const line = "x".repeat(40_000);
  const writing = terminal.lines([line, line, "end"]);
  await Promise.resolve();
  expect(written).toEqual([`${line}\n${line}\n`]);
  drain?.();
  await Promise.resolve();
  await Promise.resolve();
  expect(written).toEqual([`${line}\n${line}\n`, "end\n"]);
  drain?.();
  await writing;
});
