import { ErrorCode } from "../../broker-errors.ts";
import type { InitProducerIdRequest, InitProducerIdResponse } from "../../protocol/generated/init-producer-id.ts";
import type { RequestContext } from "../request-context.ts";

/** Without a transactional id every call gives a new producer, whatever id the caller has had. */
export function handleInitProducerId(
  { transactionalId }: InitProducerIdRequest,
  { cluster }: RequestContext,
): InitProducerIdResponse {
  if (transactionalId !== null) {
    // There is no transaction coordinator here: tests write transactions in process.
    return { throttleTimeMs: 0, errorCode: ErrorCode.INVALID_REQUEST, producerId: -1, producerEpoch: -1 };
  }
  return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, producerId: cluster.nextProducerId(), producerEpoch: 0 };
}
