/**
 * For `describe.skipIf`: says loudly that a suite is skipped. In CI that happens only where the tool cannot be had: what
 * can be installed there is installed by whoever finds out that it is missing.
 */
export function skipsWithout(tool: string, unavailable: string | undefined): boolean {
  if (unavailable === undefined) return false;
  console.warn(`\n*** SKIPPED: the suites with ${tool}. ${unavailable} ***`);
  return true;
}
