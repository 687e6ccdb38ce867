/**
 * Holds a value that must not be seen where objects are printed, serialized or compared: only {@link reveal} gives it
 * away, so a search for that word finds every place where secrets are used.
 */
export class Hidden<T> {
  readonly #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  reveal(): T {
    return this.#value;
  }

  toJSON(): string {
    return "[hidden]";
  }

  toString(): string {
    return "[hidden]";
  }
}
