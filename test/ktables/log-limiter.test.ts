import { afterEach, expect, test, vi } from "vitest";
import { LogLimiter } from "../../packages/ktables/src/log-limiter.ts";
import { recordingLogger } from "../suites/support.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

test("the first of a kind is logged, later ones are counted until the interval is over or the table stops", () => {
  const logger = recordingLogger();
  const log = new LogLimiter(logger, 1000);
  const clock = vi.spyOn(performance, "now").mockReturnValue(0);
  const unused = vi.fn(() => "never asked for");
  log.warn("a", () => "first a", {});
  log.warn("a", unused, {});
  log.warn("a", unused, {});
  log.warn("b", () => "first b", {});
  clock.mockReturnValue(999);
  log.warn("a", unused, {});
  clock.mockReturnValue(1000);
  log.warn("a", () => "fifth a", {});
  log.warn("a", unused, {});
  expect(unused).not.toHaveBeenCalled();
  expect(logger.messages("warn")).toEqual(["first a", "first b", "fifth a (3 more of this kind before)"]);
  log.flush();
  log.flush();
  expect(logger.messages("warn").slice(3)).toEqual(["1 more of this kind: a"]);
});
