import { UnsupportedApiError } from "./errors.ts";
import { fetchApi } from "./protocol/generated/fetch.ts";
import { produceApi } from "./protocol/generated/produce.ts";

/**
 * Kafka 0.11 brought record batches (KIP-98), the only format of records that this client reads and writes. Says so at
 * the first contact, not with whatever request happens to fail first.
 *
 * @throws UnsupportedApiError
 */
export function checkBrokerAge(broker: string, versions: ReadonlyMap<number, { readonly max: number }>): void {
  for (const { key, name, versions: ours } of [produceApi, fetchApi]) {
    const range = versions.get(key);
    if (range === undefined || range.max >= (ours[0] ?? 0)) continue;
    throw new UnsupportedApiError(
      name,
      broker,
      `${broker} is older than Kafka 0.11, the oldest release that can be used: it has no record batches ` +
        `(${name} up to version ${range.max}, version ${ours[0]} is needed)`,
    );
  }
}
