/**
 * From which version of each API on the broker answers first and expects the client to stay silent afterwards (KIP-219).
 * Below, it has waited itself before it answered, and the time that it tells is over.
 */
const silentFromVersion: ReadonlyMap<string, number> = /* @__PURE__ */ new Map([
  ["AlterConfigs", 1],
  ["ApiVersions", 2],
  ["CreatePartitions", 1],
  ["CreateTopics", 3],
  ["DeleteRecords", 1],
  ["DeleteTopics", 2],
  ["DescribeConfigs", 2],
  ["Fetch", 8],
  ["IncrementalAlterConfigs", 0],
  ["InitProducerId", 1],
  ["ListOffsets", 3],
  ["Metadata", 6],
  ["Produce", 6],
]);

/** How long nothing may be sent on the connection after this answer, in milliseconds. */
export function silenceAfter(api: string, version: number, response: unknown): number {
  const from = silentFromVersion.get(api);
  return from === undefined || version < from ? 0 : throttleTimeOf(response);
}

/** How long the broker throttles this client, in milliseconds, whoever of the two has to wait. */
export function throttleTimeOf(response: unknown): number {
  if (typeof response !== "object" || response === null || !("throttleTimeMs" in response)) return 0;
  const { throttleTimeMs } = response;
  return typeof throttleTimeMs === "number" && throttleTimeMs > 0 ? throttleTimeMs : 0;
}
