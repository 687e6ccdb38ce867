import { afterEach, expect, test, vi } from "vitest";
import { RecordClock } from "../../packages/client/src/record-clock.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

test("records of a turn share a reading, some at a time; a later turn has its own", async () => {
  let time = 0;
  vi.spyOn(Date, "now").mockImplementation(() => ++time);
  const clock = new RecordClock();
  const first = Array.from({ length: 40 }, () => clock.now());
  expect(first).toEqual([...Array(16).fill(1), ...Array(16).fill(2), ...Array(8).fill(3)]);
  await Promise.resolve();
  expect(clock.now()).toBe(4);
  expect(clock.now()).toBe(4);
  await new Promise((resolve) => setImmediate(resolve));
  expect(clock.now()).toBe(5);
});
