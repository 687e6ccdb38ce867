import { ensureTopic } from "ktables";
import { describe, expect, test } from "vitest";
import { rejection, until } from "../suites/support.ts";
import { Fixture } from "./support.ts";

const topicAuthorizationFailed = 29;

describe("ensureTopic", () => {
  const fixture = new Fixture();
  const plain = { configs: { "cleanup.policy": "delete" } };

  test("looks at the topic's configuration only when it has to", async () => {
    await ensureTopic(fixture.connection(), "new");
    await ensureTopic(fixture.connection(), "t", { onPolicyMismatch: "ignore" });
    await ensureTopic(fixture.connection(), "t", { topicConfigs: { "cleanup.policy": "delete" } });
    expect(fixture.apis).not.toContain("DescribeConfigs");
    await ensureTopic(fixture.connection(), "t", { onPolicyMismatch: "reconcile" });
    expect(fixture.apis.filter((api) => api === "DescribeConfigs")).toHaveLength(1);
    expect(fixture.apis).not.toContain("IncrementalAlterConfigs");
  });

  test("an unreadable configuration is told with warn, and an error otherwise", async () => {
    await fixture.broker.createTopic("plain", plain);
    fixture.broker.intercept("DescribeConfigs", async (_request, context) => {
      const answer = await context.handle();
      if (answer === undefined) return "close";
      const results = answer.results.map((entry) => ({ ...entry, errorCode: topicAuthorizationFailed, configs: [] }));
      return { ...answer, results };
    });
    const unreadable = { outcome: "unreadable", actualPolicy: null };
    expect(await ensureTopic(fixture.connection(), "plain")).toEqual(unreadable);
    expect(fixture.logger.messages("warn")).toEqual([]);
    expect(fixture.logger.messages("info")).toEqual([expect.stringContaining("Could not read the configuration")]);
    for (const onPolicyMismatch of ["raise", "reconcile"] as const) {
      const error = await rejection(ensureTopic(fixture.connection(), "plain", { onPolicyMismatch }));
      expect(error).toMatchObject({ code: "TOPIC_AUTHORIZATION_FAILED", topic: "plain" });
    }
  });

  test("a broker that hangs when asked for the configuration is unreadable, too", async () => {
    fixture.broker.intercept("DescribeConfigs", () => "ignore");
    expect(await ensureTopic(fixture.connection(), "t", { timeoutMs: 100 })).toMatchObject({ outcome: "unreadable" });
    const strict = { timeoutMs: 100, onPolicyMismatch: "raise" } as const;
    expect(await rejection(ensureTopic(fixture.connection(), "t", strict))).toMatchObject({ code: "TIMEOUT" });
  });

  test("an answer without the policy is unreadable with warn, and an error otherwise", async () => {
    fixture.broker.intercept("DescribeConfigs", async (_request, context) => {
      const answer = await context.handle();
      if (answer === undefined) return "close";
      const results = answer.results.map((entry) => ({
        ...entry,
        configs: entry.configs.filter(({ name }) => name !== "cleanup.policy"),
      }));
      return { ...answer, results };
    });
    expect(await ensureTopic(fixture.connection(), "t")).toEqual({ outcome: "unreadable", actualPolicy: null });
    const error = await rejection(ensureTopic(fixture.connection(), "t", { onPolicyMismatch: "raise" }));
    expect(error).toMatchObject({ code: "TOPIC_CONFIG_UNREADABLE", topic: "t" });
    expect(error.message).toContain("cleanup.policy");
  });

  test("a refused change of the policy is an error, and no success is logged", async () => {
    await fixture.broker.createTopic("plain", plain);
    const invalidConfig = 40;
    fixture.broker.intercept("IncrementalAlterConfigs", async (_request, context) => {
      const answer = await context.handle();
      if (answer === undefined) return "close";
      const responses = answer.responses.map((entry) => ({ ...entry, errorCode: invalidConfig, errorMessage: null }));
      return { ...answer, responses };
    });
    const options = { onPolicyMismatch: "reconcile" } as const;
    const error = await rejection(ensureTopic(fixture.connection(), "plain", options));
    expect(error).toMatchObject({ code: "INVALID_CONFIG" });
    expect(error.message).not.toContain("null");
    expect(fixture.logger.lines).toEqual([]);
  });

  test("an answer that does not mention the topic confirms nothing", async () => {
    await fixture.broker.createTopic("plain", plain);
    const remove = fixture.broker.intercept("CreateTopics", () => ({ throttleTimeMs: 0, topics: [] }));
    expect((await rejection(ensureTopic(fixture.connection(), "plain"))).message).toContain("cannot be confirmed");
    remove();
    fixture.broker.intercept("IncrementalAlterConfigs", () => ({ throttleTimeMs: 0, responses: [] }));
    const options = { onPolicyMismatch: "reconcile" } as const;
    const error = await rejection(ensureTopic(fixture.connection(), "plain", options));
    expect(error.message).toContain("cannot be confirmed");
  });

  test.each(["success", "failure"])("its connection is closed after %s", async (outcome) => {
    let ended = false;
    fixture.broker.intercept("CreateTopics", (_request, context) => {
      context.signal.addEventListener("abort", () => {
        ended = true;
      });
      return outcome === "success" ? "pass" : { throttleTimeMs: 0, topics: [] };
    });
    const result = ensureTopic(fixture.connection(), "t").catch((error: unknown) => error);
    expect(await result).toBeDefined();
    await until(() => ended);
  });

  test("an aborted signal ends it with its reason, also where a broker's error would be tolerated", async () => {
    fixture.broker.intercept("DescribeConfigs", () => "ignore");
    const abort = new AbortController();
    const ensuring = rejection(ensureTopic(fixture.connection(), "t", { signal: abort.signal }));
    await until(() => fixture.apis.includes("DescribeConfigs"));
    const reason = new Error("no longer needed");
    abort.abort(reason);
    expect(await ensuring).toBe(reason);
  });

  test("wrong options are refused before anything is asked", async () => {
    const connection = fixture.connection();
    for (const options of [{ partitions: 0 }, { partitions: -2 }, { partitions: 1.5 }, { replicationFactor: 0 }]) {
      const error = await rejection(ensureTopic(connection, "t", options));
      expect(error).toMatchObject({ code: "INVALID_OPTION" });
      expect(error.message).toContain(">= 1");
    }
    for (const onPolicyMismatch of ["", "reconcil", "WARN"]) {
      const options = { onPolicyMismatch } as never;
      expect(await rejection(ensureTopic(connection, "t", options))).toMatchObject({ code: "INVALID_OPTION" });
    }
    expect(await rejection(ensureTopic(connection, ""))).toMatchObject({ option: "topic" });
    expect(await rejection(ensureTopic(connection, "t", { topicConfig: {} } as never))).toMatchObject({
      option: "topicConfig",
    });
    expect(fixture.broker.requests).toEqual([]);
  });
});
