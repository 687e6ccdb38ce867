import * as client from "@ktables/client";
import * as testing from "@ktables/client/testing";
import * as recordBatch from "@ktables/record-batch";
import * as ktables from "ktables";
import * as ktablesClient from "ktables/client";
import * as ktablesRecordBatch from "ktables/record-batch";
import * as ktablesTesting from "ktables/testing";
import { describe, expect, test } from "vitest";

describe("the public API", () => {
  test("has these names", () => {
    expect(Object.keys(ktables).sort()).toEqual([
      "AlreadyStartedError",
      "AsyncSchemaError",
      "AuthenticationError",
      "BrokerError",
      "BulkWriteError",
      "ChangeFeed",
      "ChangesOverflowError",
      "ClosedError",
      "CodecError",
      "ConnectionError",
      "DEFAULT_KEY_CODEC",
      "DEFAULT_TOPIC_CONFIGS",
      "GroupedChangeFeed",
      "GroupedKafkaTable",
      "GroupedKafkaTableWriter",
      "InvalidOptionError",
      "KafkaClient",
      "KafkaError",
      "KafkaTable",
      "KafkaTableWriter",
      "LengthPrefixedKeyCodec",
      "NotStartedError",
      "PoisonedRecordError",
      "PositionLostError",
      "ProduceError",
      "RecordBatchError",
      "StoppedError",
      "TableFailedError",
      "TableFullError",
      "TimeoutError",
      "TopicConfigMismatchError",
      "TopicConfigUnreadableError",
      "UnsupportedApiError",
      "bytes",
      "consoleLogger",
      "ensureTopic",
      "json",
      "silentLogger",
      "string",
    ]);
  });

  test("gives the layers below with the same identities", () => {
    expect({ ...ktablesClient }).toEqual({ ...client });
    expect({ ...ktablesRecordBatch }).toEqual({ ...recordBatch });
    const { TestTopic, ...broker } = ktablesTesting;
    expect(broker).toEqual({ ...testing });
    expect(TestTopic).toBeTypeOf("function");
    expect(ktables.KafkaClient).toBe(client.KafkaClient);
  });

  test("has errors that tell themselves by class, code and base", () => {
    const error = new ktables.TopicConfigMismatchError("t", "compact", "delete");
    expect(error).toBeInstanceOf(ktables.KafkaError);
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toBeInstanceOf(ktables.TableFullError);
    expect([error.name, error.code, error.retriable]).toEqual([
      "TopicConfigMismatchError",
      "TOPIC_CONFIG_MISMATCH",
      false,
    ]);
  });
});
