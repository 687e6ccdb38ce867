import { KafkaError } from "@ktables/record-batch";
import { brokerErrorFacts } from "../broker-errors.ts";

/** The embedded broker refuses what it was asked. `code` is Kafka's name of the error, such as `TOPIC_ALREADY_EXISTS`. */
export class Refusal extends KafkaError {
  /** Kafka's number of the error. */
  readonly errorCode: number;

  constructor(errorCode: number, message: string) {
    const { name, retriable } = brokerErrorFacts(errorCode);
    super(message, { code: name, retriable });
    this.errorCode = errorCode;
  }
}

/** What `attempt` gives, or the refusal it was met with; other errors are defects and are passed on. */
export function refusalOf<T>(attempt: () => T): T | Refusal {
  try {
    return attempt();
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

/** A caller in this process has asked for what makes no sense. Code `INVALID_ARGUMENT`. */
export function invalidArgument(message: string): KafkaError {
  return new KafkaError(message, { code: "INVALID_ARGUMENT" });
}
