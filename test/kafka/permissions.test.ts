import { json, KafkaTable, KafkaTableWriter, silentLogger } from "ktables";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startJavaPeer } from "../harness/java-peer.ts";
import { type KafkaCluster, startKafka } from "../harness/kafka.ts";
import { waitUntil } from "../harness/wait-until.ts";
import { rejection } from "../suites/support.ts";

let kafka: KafkaCluster;
const topic = "secret";

beforeAll(async () => {
  kafka = await startKafka({
    brokerConfig: {
      "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
      // What has no ACL is open to everybody, so that only the one topic is shut.
      "allow.everyone.if.no.acl.found": "true",
    },
  });
  const peer = await startJavaPeer();
  try {
    const { bootstrapServers } = kafka;
    await peer.call("createTopic", { bootstrapServers, topic });
    await peer.call("restrictTopic", { bootstrapServers, topic, principal: "User:alice" });
    await waitUntil("the broker knows the ACL", async () =>
      peer.call("describeTopic", { bootstrapServers, topic }).then(
        () => undefined,
        () => true,
      ),
    );
  } finally {
    await peer.stop();
  }
});

afterAll(async () => {
  await kafka?.stop();
});

test.each([
  ["a table that ensures its topic", { ensureTopic: true }, KafkaTable],
  ["a table that takes the topic as it is", { ensureTopic: false }, KafkaTable],
  ["a writer that ensures its topic", { ensureTopic: true }, KafkaTableWriter],
  ["a writer that takes the topic as it is", { ensureTopic: false }, KafkaTableWriter],
] as const)("%s is told that it may not, by the topic's name", async (_, options, Opened) => {
  const connection = { bootstrapServers: kafka.bootstrapServers, logger: silentLogger };
  const error = await rejection(Opened.open({ connection, topic, value: json(), ...options }));
  expect(error).toMatchObject({ code: "TOPIC_AUTHORIZATION_FAILED", retriable: false });
  expect(error.message).toContain('"secret"');
});
