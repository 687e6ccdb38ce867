import { probeCluster } from "./metadata-probe.ts";
import { waitUntil } from "./wait-until.ts";

/**
 * Waits until each of these brokers lists as many brokers as there are. An open port is too early: some versions
 * accept connections up to a second before they know themselves.
 */
export async function waitUntilBrokersKnowEachOther(
  brokers: readonly { readonly host: string; readonly port: number }[],
  checkAlive: () => void = () => undefined,
): Promise<void> {
  await Promise.all(
    brokers.map(({ host, port }) =>
      waitUntil(`broker ${host}:${port} lists ${brokers.length} broker(s)`, async () => {
        checkAlive();
        const listed = await probeCluster(host, port);
        return listed.brokers.length === brokers.length ? true : undefined;
      }),
    ),
  );
}
