import { createTopic, describeTopicConfigs, setTopicConfigs } from "@ktables/client";
import { ensureTopic, string } from "ktables";
import { describe, expect, type test as vitestTest } from "vitest";
import { has, newTopic, rejection } from "./support.ts";
import type { TableFixture } from "./table-fixture.ts";

/** How topics are created and checked. */
export function ensureTopicTests(fixture: TableFixture, test: typeof vitestTest): void {
  const { connection, newTable, openTable, openWriter, plainTopic } = fixture;

  describe("ensureTopic", () => {
    test("creates a missing topic, compacted, and finds it the next time", async () => {
      const topic = newTopic("ensure");
      const first = await ensureTopic(connection(), topic, { partitions: 2 });
      expect(first).toEqual({ outcome: "created", actualPolicy: null });
      expect(Object.isFrozen(first)).toBe(true);
      expect(fixture.logger.messages("info")).toEqual([expect.stringContaining(`Created topic "${topic}"`)]);
      expect((await fixture.client.topicMetadata(topic)).partitions).toHaveLength(2);
      expect(await ensureTopic(connection(), topic)).toEqual({ outcome: "verified", actualPolicy: "compact" });
      expect(fixture.logger.lines).toEqual([]);
      expect(await ensureTopic(connection(), topic, { onPolicyMismatch: "ignore" })).toEqual({
        outcome: "skipped",
        actualPolicy: null,
      });
    });

    test("-1 leaves partitions and replication to the broker", async () => {
      const topic = newTopic("defaults");
      const options = { partitions: -1, replicationFactor: -1 };
      if (!has(fixture.broker, "default partitions")) {
        const error = await rejection(ensureTopic(connection(), topic, options));
        expect(error).toMatchObject({ code: "INVALID_PARTITIONS" });
        return;
      }
      expect(await ensureTopic(connection(), topic, options)).toMatchObject({ outcome: "created" });
      expect((await fixture.client.topicMetadata(topic)).partitions.length).toBeGreaterThan(0);
    });

    test.each([
      ["compact", 0],
      ["compact,delete", 1],
      ["delete, compact", 1],
    ])("a topic with policy %s is verified, with %i remarks on retention", async (policy, remarks) => {
      const topic = newTopic("policy");
      await createTopic(fixture.client, topic, { configs: { "cleanup.policy": policy.replaceAll(" ", "") } });
      for (const onPolicyMismatch of ["warn", "raise", "reconcile"] as const) {
        const result = await ensureTopic(connection(), topic, { onPolicyMismatch });
        expect(result.outcome).toBe("verified");
        expect(fixture.logger.messages("info")).toHaveLength(remarks);
        expect(fixture.logger.messages("warn")).toEqual([]);
      }
    });

    test("declared policies are read as a list, spaces or not", async () => {
      const topic = await plainTopic();
      for (const policy of [" compact ", "delete, compact"]) {
        const options = { topicConfigs: { "cleanup.policy": policy } };
        expect(await ensureTopic(connection(), topic, options)).toMatchObject({ outcome: "mismatch" });
      }
      for (const topicConfigs of [{ "cleanup.policy": "delete" }, { "cleanup.policy": "" }, {}]) {
        const options = { topicConfigs, onPolicyMismatch: "raise" } as const;
        expect(await ensureTopic(connection(), topic, options)).toEqual({ outcome: "skipped", actualPolicy: null });
      }
    });

    test("a topic that is not compacted gives one warning, and the table starts all the same", async () => {
      const topic = await plainTopic();
      const table = await openTable({ topic, value: string() });
      expect(table.status).toBe("caught_up");
      expect(fixture.logger.messages("warn")).toEqual([
        expect.stringMatching(`"${topic}".*"delete".*"compact" is required`),
      ]);
      expect(await ensureTopic(connection(), topic)).toEqual({ outcome: "mismatch", actualPolicy: "delete" });
    });

    test("raise refuses a topic that is not compacted, for table and writer", async () => {
      const topic = await plainTopic();
      const expected = {
        name: "TopicConfigMismatchError",
        code: "TOPIC_CONFIG_MISMATCH",
        topic,
        expected: "compact",
        actual: "delete",
      };
      const options = { topic, value: string(), onPolicyMismatch: "raise" } as const;
      const table = newTable(options);
      const error = await rejection(table.start());
      expect(error).toMatchObject(expected);
      for (const part of [topic, '"compact"', '"delete"']) expect(error.message).toContain(part);
      expect(table.status).toBe("unstarted");
      expect(await rejection(openWriter(options))).toMatchObject(expected);
    });

    test("reconcile sets the policy and keeps every other setting, once", async () => {
      const topic = newTopic("reconcile");
      await createTopic(fixture.client, topic, {
        configs: { "cleanup.policy": "delete", "segment.ms": "123456789", "delete.retention.ms": "1000" },
      });
      const options = {
        topicConfigs: { "cleanup.policy": "compact,delete" },
        onPolicyMismatch: "reconcile",
      } as const;
      if (!has(fixture.broker, "config changes")) {
        const error = await rejection(ensureTopic(connection(), topic, options));
        expect(error).toMatchObject({ code: "UNSUPPORTED_API", api: "IncrementalAlterConfigs" });
        return;
      }
      const result = await ensureTopic(connection(), topic, options);
      expect(result).toEqual({ outcome: "reconciled", actualPolicy: "delete" });
      // Brokers before 2.3 cannot change one setting alone (KIP-339); that it was done another way is said.
      const way = has(fixture.broker, "incremental config changes")
        ? []
        : [expect.stringMatching(/older than 2\.3.*kept: .*segment\.ms/)];
      expect(fixture.logger.messages("info")).toEqual([
        ...way,
        expect.stringContaining("2 other settings of the topic are unchanged: delete.retention.ms, segment.ms"),
        expect.stringContaining("within its retention disappear"),
      ]);
      const overrides = async (): Promise<object> => {
        const configs = (await describeTopicConfigs(fixture.client, topic)).filter(({ isOverride }) => isOverride);
        return Object.fromEntries(configs.map(({ name, value }) => [name, value]));
      };
      // Under KRaft the controller knows it first.
      await expect.poll(overrides, { timeout: 20_000 }).toEqual({
        "cleanup.policy": "compact,delete",
        "segment.ms": "123456789",
        "delete.retention.ms": "1000",
      });
      expect(await ensureTopic(connection(), topic, options)).toMatchObject({ outcome: "verified" });
    });

    test("a reader and a writer that reconcile at once agree", async () => {
      const topic = newTopic("both");
      await createTopic(fixture.client, topic, { configs: { "cleanup.policy": "delete" } });
      if (!has(fixture.broker, "config changes")) {
        expect(await rejection(setTopicConfigs(fixture.client, topic, { "segment.ms": "1000" }))).toMatchObject({
          code: "UNSUPPORTED_API",
        });
        return;
      }
      await setTopicConfigs(fixture.client, topic, { "segment.ms": "123456789" });
      const options = { topic, value: string(), onPolicyMismatch: "reconcile" } as const;
      await Promise.all([openTable(options), openWriter(options)]);
      const settings = async (): Promise<object> => {
        const configs = await describeTopicConfigs(fixture.client, topic, { names: ["cleanup.policy", "segment.ms"] });
        return Object.fromEntries(configs.map(({ name, value }) => [name, value]));
      };
      await expect.poll(settings, { timeout: 20_000 }).toEqual({
        "cleanup.policy": "compact",
        "segment.ms": "123456789",
      });
    });

    test("configs without a policy are created as given, with a warning", async () => {
      const topic = newTopic("no-policy");
      const options = { topicConfigs: { "segment.ms": "123456789" } };
      expect(await ensureTopic(connection(), topic, options)).toMatchObject({ outcome: "created" });
      expect(fixture.logger.messages("warn")).toEqual([expect.stringContaining("declare no cleanup.policy")]);
      const configs = await describeTopicConfigs(fixture.client, topic, { names: ["cleanup.policy", "segment.ms"] });
      expect(Object.fromEntries(configs.map(({ name, value }) => [name, value]))).toEqual({
        "cleanup.policy": "delete",
        "segment.ms": "123456789",
      });
    });

    test("what the broker refuses is thrown with its name and message", async () => {
      const invalid = await rejection(ensureTopic(connection(), "not a topic name!"));
      expect(invalid).toMatchObject({ code: "INVALID_TOPIC_EXCEPTION" });
      const config = { topicConfigs: { "cleanup.policy": "compact", "no.such.setting": "1" } };
      const unknown = await rejection(ensureTopic(connection(), newTopic("bad"), config));
      expect(unknown).toMatchObject({ code: "INVALID_CONFIG" });
      expect(unknown.message).toContain("no.such.setting");
      expect(unknown.message).not.toMatch(/\b(null|undefined|None)\b/);
    });
  });
}
