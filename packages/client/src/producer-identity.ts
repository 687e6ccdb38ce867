import type { AbortSignalLike } from "./abort.ts";
import { ErrorCode } from "./broker-errors.ts";
import type { KafkaClient } from "./client.ts";
import { BrokerError, ConnectionError } from "./errors.ts";
import type { ProducerIdentity } from "./partition-queue.ts";
import { initProducerIdApi } from "./protocol/generated/init-producer-id.ts";

/** Asks any broker for a new producer id; without a transactional id none of them is special. */
export async function requestIdentity(client: KafkaClient, signal: AbortSignalLike): Promise<ProducerIdentity> {
  return client.retrying("InitProducerId", { signal }, async (attempt) => {
    const connection = await client.anyConnection(attempt.signal);
    const response = await connection.request(
      initProducerIdApi,
      { transactionalId: null, transactionTimeoutMs: 60_000, producerId: -1, producerEpoch: -1 },
      { signal: attempt.signal },
    );
    if (response.errorCode !== ErrorCode.NONE) {
      throw new BrokerError(response.errorCode, connection.context(initProducerIdApi));
    }
    if (response.producerId < 0 || response.producerEpoch < 0) {
      const message = `${connection.broker} gave a producer id that none can have: ${response.producerId}, epoch ${response.producerEpoch}`;
      throw new ConnectionError(
        "PROTOCOL_VIOLATION",
        connection.broker,
        message,
        connection.context(initProducerIdApi),
      );
    }
    return { producerId: response.producerId, producerEpoch: response.producerEpoch };
  });
}
