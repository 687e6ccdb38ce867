const brand = Symbol.for("ktables.KafkaError");

/** What every error of these packages is made from. */
export interface KafkaErrorOptions {
  /** Stable, upper-case name to match on; broker errors use Kafka's own name. */
  readonly code: string;
  /** Whether the same call may succeed when repeated. Default false. */
  readonly retriable?: boolean;
  readonly cause?: unknown;
}

/**
 * The base of every error that these packages throw. Match on `code`, which is stable; the message is for people.
 *
 * `instanceof KafkaError` also recognises errors of another installed copy of the library, because it looks at a
 * brand instead of the prototype.
 */
export class KafkaError extends Error {
  readonly code: string;
  readonly retriable: boolean;

  constructor(message: string, options: KafkaErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = options.code;
    this.retriable = options.retriable ?? false;
    Object.defineProperty(this, brand, { value: true });
  }

  override get name(): string {
    return this.constructor.name;
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    if (typeof value !== "object" || value === null) return false;
    return this === KafkaError ? brand in value : Function.prototype[Symbol.hasInstance].call(this, value);
  }
}
