import { ErrorCode } from "../broker-errors.ts";
import { Refusal } from "./refusal.ts";
import { ConfigType, listItems, topicConfigDefinitions } from "./topic-config-definitions.ts";

/** One step of an incremental change (KIP-339). */
export interface ConfigChange {
  readonly name: string;
  readonly operation: "set" | "delete" | "append" | "subtract";
  /** Null to delete. */
  readonly value: string | null;
}

/** The configuration of one topic: what was set, over Kafka's defaults. */
export class TopicConfigs {
  #overrides: ReadonlyMap<string, string>;

  /** @throws Refusal 40 */
  constructor(overrides: Iterable<readonly [string, string]> = []) {
    this.#overrides = new Map(overrides);
    for (const [name, value] of this.#overrides) checkConfig(name, value);
  }

  /** What was set for this topic, by name. */
  get overrides(): ReadonlyMap<string, string> {
    return this.#overrides;
  }

  /** The value in force. */
  get(name: string): string {
    const value = this.#overrides.get(name) ?? topicConfigDefinitions.get(name)?.defaultValue;
    if (value === undefined) throw unknownConfig(name);
    return value;
  }

  getNumber(name: string): number {
    return Number(this.get(name));
  }

  get isCompacted(): boolean {
    return listItems(this.get("cleanup.policy")).includes("compact");
  }

  /** Whether old records are deleted, perhaps besides being compacted. */
  get deletes(): boolean {
    return listItems(this.get("cleanup.policy")).includes("delete");
  }

  /** Sets these and nothing else: what is not named has its default again. @throws Refusal 40 */
  replace(entries: readonly (readonly [string, string])[], validateOnly: boolean): void {
    for (const [name, value] of entries) checkConfig(name, value);
    if (!validateOnly) this.#overrides = new Map(entries);
  }

  /** Applies all changes or none. @throws Refusal 40, 42 */
  change(changes: readonly ConfigChange[], validateOnly: boolean): void {
    const changed = new Map(this.#overrides);
    const names = new Set<string>();
    for (const change of changes) {
      if (names.has(change.name)) {
        throw new Refusal(ErrorCode.INVALID_REQUEST, `${change.name} appears more than once in the request`);
      }
      names.add(change.name);
      const value = changedValue(change, changed.get(change.name));
      if (value === undefined) changed.delete(change.name);
      else changed.set(change.name, value);
    }
    if (!validateOnly) this.#overrides = changed;
  }
}

/** The new value, checked; undefined for the default. */
function changedValue(change: ConfigChange, current: string | undefined): string | undefined {
  const { name, operation, value } = change;
  const definition = topicConfigDefinitions.get(name);
  if (definition === undefined) throw unknownConfig(name);
  if (operation === "delete") return undefined;
  if (value === null) throw new Refusal(ErrorCode.INVALID_REQUEST, `a null value for ${name} can only delete it`);
  if (operation === "set") {
    checkConfig(name, value);
    return value;
  }
  if (definition.type !== ConfigType.LIST) {
    throw new Refusal(ErrorCode.INVALID_CONFIG, `cannot append to or subtract from ${name}: it is not a list`);
  }
  const before = listItems(current ?? definition.defaultValue);
  const given = listItems(value);
  const after =
    operation === "append"
      ? [...before, ...given.filter((item) => !before.includes(item))]
      : before.filter((item) => !given.includes(item));
  checkConfig(name, after.join(","));
  return after.join(",");
}

function checkConfig(name: string, value: string): void {
  const definition = topicConfigDefinitions.get(name);
  if (definition === undefined) throw unknownConfig(name);
  if (definition.accepts(value)) return;
  throw new Refusal(ErrorCode.INVALID_CONFIG, `invalid value ${JSON.stringify(value)} for configuration ${name}`);
}

function unknownConfig(name: string): Refusal {
  return new Refusal(ErrorCode.INVALID_CONFIG, `unknown topic configuration ${name}`);
}
