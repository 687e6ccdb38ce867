import { expect, test } from "vitest";
import { everyAnswer } from "./responses/answers.ts";
import { runDamaged, runInput } from "./responses/input.ts";

/** A taste of test/fuzz/responses/run.ts. */
const seed = Date.now() % 1_000_000_000;
const inputs = 320;
const atOnce = 16;

test(`${inputs} uses of the client with damaged answers end with a typed error or the right answer (seed ${seed})`, async () => {
  const ends = new Set<string | undefined>();
  const damaged = new Set<string>();
  let next = 0;
  const runInputs = async (): Promise<void> => {
    for (let index = next++; index < inputs; index = next++) {
      const { failedAs } = await runInput(seed, index, (api) => damaged.add(api));
      ends.add(failedAs);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, runInputs));
  // Damage that all ends in the same way would show nothing. How many ways there are is up to the seed.
  expect(ends.size).toBeGreaterThanOrEqual(2);
  expect(ends).toContain(undefined);
  expect(damaged.size).toBeGreaterThanOrEqual(8);
}, 60_000);

const waysToDamage = 8;

test.each(await everyAnswer())(
  `damaged answers to $api $version end with a typed error or the right answer (seed ${seed})`,
  async (answer) => {
    let damaged = 0;
    const runs = Array.from({ length: waysToDamage }, (_, index) => runDamaged(answer, seed, index, () => damaged++));
    await Promise.all(runs);
    // Nothing of another version, and nothing less often than it was to be.
    expect(damaged).toBeGreaterThanOrEqual(waysToDamage);
  },
  60_000,
);
