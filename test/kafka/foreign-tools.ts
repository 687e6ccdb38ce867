/**
 * Whether a suite that needs a tool from elsewhere has to be skipped, which is said loudly. Where suites on real Kafka
 * are obligatory (CI), a tool that could have been had makes its suite fail instead: `startup` throws then.
 */
export function skipsWithout(tool: string, unavailable: string | undefined): boolean {
  if (unavailable === undefined) return false;
  console.warn(`\n*** SKIPPED: the suites with ${tool}. ${unavailable} ***`);
  return true;
}
