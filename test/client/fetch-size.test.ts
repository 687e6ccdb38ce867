import { expect, test } from "vitest";
import { FetchSize } from "../../packages/client/src/fetch-size.ts";

const mebibyte = 2 ** 20;

test("little is asked for at first, and as long as nobody waits for it", () => {
  const size = new FetchSize();
  for (let answer = 0; answer < 100; answer++) size.note(mebibyte, mebibyte, 1);
  expect(size.bytes).toBe(mebibyte);
});

test("more is asked for when full answers are waited for, up to 16 MiB", () => {
  const size = new FetchSize();
  const sizes = [1, 2, 3, 4, 5, 6].map(() => {
    size.note(size.bytes, size.bytes, 50);
    return size.bytes / mebibyte;
  });
  expect(sizes).toEqual([2, 4, 8, 16, 16, 16]);
});

test("waiting for an answer that has little in it is what a reader does that has caught up", () => {
  const size = new FetchSize();
  for (let answer = 0; answer < 100; answer++) size.note(mebibyte / 2, mebibyte / 2, 500);
  expect(size.bytes).toBe(mebibyte);
});

test("more is asked for when much of an answer is a batch that was cut off", () => {
  const size = new FetchSize();
  size.note(mebibyte, 0.9 * mebibyte, 0);
  expect(size.bytes).toBe(mebibyte);
  size.note(mebibyte, 0.6 * mebibyte, 0);
  expect(size.bytes).toBe(2 * mebibyte);
});

test("less is asked for again when full answers come quickly, as after a moment in which the machine was busy", () => {
  const size = new FetchSize();
  const answer = (waitedMs: number): number => {
    size.note(size.bytes, size.bytes, waitedMs);
    return size.bytes / mebibyte;
  };
  expect([answer(50), answer(50)]).toEqual([2, 4]);
  // A distant broker is waited for a little, whatever is asked for.
  for (let count = 0; count <= 96; count++) expect(answer(count % 8 === 0 ? 5 : 1)).toBe(4);
  expect(Array.from({ length: 8 }, () => answer(1))).toEqual([4, 4, 4, 4, 4, 4, 4, 2]);
  for (let count = 0; count < 100; count++) answer(0);
  expect(size.bytes).toBe(mebibyte);
  expect(answer(50)).toBe(2);
});

test("but not less than large batches need", () => {
  const size = new FetchSize();
  size.note(mebibyte, 0.6 * mebibyte, 0);
  size.note(2 * mebibyte, 2 * mebibyte, 50);
  expect(size.bytes).toBe(4 * mebibyte);
  for (let answer = 0; answer < 100; answer++) size.note(size.bytes, size.bytes, 0);
  expect(size.bytes).toBe(2 * mebibyte);
});

test("it is never more than what the user allows", () => {
  expect(new FetchSize(1000).bytes).toBe(1000);
  const size = new FetchSize(3 * mebibyte);
  for (let answer = 0; answer < 5; answer++) size.note(size.bytes, size.bytes, 50);
  expect(size.bytes).toBe(3 * mebibyte);
});
