import type { CallOptions } from "./abort.ts";
import { checkTopic } from "./admin.ts";
import { ErrorCode } from "./broker-errors.ts";
import type { KafkaClient } from "./client.ts";
import { BrokerError, ConnectionError, InvalidOptionError } from "./errors.ts";
import { askLeaders } from "./leaders.ts";
import { callChecks, check, checkOptions, describe } from "./options.ts";
import { deleteRecordsApi } from "./protocol/generated/delete-records.ts";

/** The broker's name for the end of the log. */
const highWatermark = -1;

/**
 * Deletes all records below an offset of each given partition, `"latest"` for all that there are (KIP-107). Returns
 * where those partitions begin now, by partition. Refused with `POLICY_VIOLATION` where the topic's `cleanup.policy` is
 * `compact` alone.
 *
 * @throws BrokerError with Kafka's own code, such as `OFFSET_OUT_OF_RANGE`; TimeoutError; InvalidOptionError
 */
export async function deleteRecords(
  client: KafkaClient,
  topic: string,
  before: ReadonlyMap<number, number | "latest">,
  options: CallOptions = {},
): Promise<Map<number, number>> {
  checkTopic("deleteRecords", topic);
  checkBefore(before);
  checkOptions("deleteRecords", options, callChecks);
  const partitions = [...before.keys()];
  const starts = await askLeaders<number>(
    client,
    {
      api: "DeleteRecords",
      topic,
      partitions,
      ask: async (connection, asked, { signal, remainingMs }, found) => {
        const timeoutMs = Math.ceil(Math.min(remainingMs, client.config.requestTimeoutMs));
        const response = await connection.request(
          deleteRecordsApi,
          {
            topics: [
              {
                name: topic,
                partitions: asked.map(({ partition }) => {
                  const offset = before.get(partition);
                  return { partitionIndex: partition, offset: typeof offset === "number" ? offset : highWatermark };
                }),
              },
            ],
            timeoutMs,
          },
          { signal, serverWaitMs: timeoutMs },
        );
        const answers = response.topics.find(({ name }) => name === topic)?.partitions ?? [];
        let failure: Error | undefined;
        const context = connection.context(deleteRecordsApi);
        for (const { partition } of asked) {
          const answer = answers.find(({ partitionIndex }) => partitionIndex === partition);
          const errorCode = answer?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR;
          if (answer === undefined || errorCode !== ErrorCode.NONE) {
            failure ??= new BrokerError(errorCode, { ...context, topic, partition });
          } else if (answer.lowWatermark < 0) {
            const message = `${connection.broker} says that partition ${partition} begins at offset ${answer.lowWatermark}`;
            failure ??= new ConnectionError("PROTOCOL_VIOLATION", connection.broker, message, context);
          } else {
            found.set(partition, answer.lowWatermark);
          }
        }
        if (failure !== undefined) throw failure;
      },
    },
    options,
  );
  const absent = partitions.find((partition) => !starts.has(partition));
  if (absent !== undefined) {
    const context = { api: "DeleteRecords", topic, partition: absent };
    throw new BrokerError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, context);
  }
  return starts;
}

function checkBefore(before: unknown): void {
  const isOffset = (value: unknown): boolean => value === "latest" || check.integer(0)(value) === undefined;
  const isPartition = check.integer(0, 0x7fff_ffff);
  const isValid =
    before instanceof Map &&
    [...before].every(([partition, offset]) => isPartition(partition) === undefined && isOffset(offset));
  if (isValid) return;
  throw new InvalidOptionError(
    "before",
    `deleteRecords: "before" must be a Map of partitions to offsets >= 0 or "latest", got ${describe(before)}`,
  );
}
