/** Shared between our own packages; not part of the public API and without any promise of stability. */
export { AbortSource, abortReason, CallScope, onAbort, sleep, throwIfAborted, untilAborted } from "./abort.ts";
export { backoffMs } from "./backoff.ts";
export { brokerErrorFacts } from "./broker-errors.ts";
export { isRetriable, toError } from "./errors.ts";
export { callChecks, check, checkOptions, describe, type OptionCheck } from "./options.ts";
export { ProcessHold } from "./process-hold.ts";
export type { Report } from "./producer-batch.ts";
export { describeReplicas, type PartitionReplicas } from "./replicas.ts";
