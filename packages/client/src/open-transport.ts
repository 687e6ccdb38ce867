import { KafkaError } from "@ktables/record-batch";
import { type AbortSignalLike, nativeSignal, untilAborted } from "./abort.ts";
import { type BrokerAddress, formatAddress } from "./broker-address.ts";
import type { ResolvedConfig } from "./config.ts";
import { ConnectionError, toError } from "./errors.ts";
import { connectTransport, type Transport, type TransportEvents } from "./transport.ts";

/** A stream to a broker, by the user's connector where there is one. Rejects as {@link connectTransport} does. */
export async function openTransport(
  address: BrokerAddress,
  config: ResolvedConfig,
  events: TransportEvents,
  signal: AbortSignalLike,
): Promise<Transport> {
  const { connector, lookup, unref } = config;
  if (connector === undefined) {
    return connectTransport(address, { tls: config.tls?.reveal(), lookup, unref }, events, signal);
  }
  let opening: Promise<Transport> | undefined;
  try {
    opening = connector(address, events, nativeSignal(signal));
    return await untilAborted(opening, signal);
  } catch (cause) {
    // Where it does not heed the signal, nobody else is left to end what it still opens.
    if (signal.aborted) opening?.then((late) => late.destroy()).catch(() => undefined);
    if (cause instanceof KafkaError || signal.aborted) throw cause;
    const broker = formatAddress(address);
    const message = `The connector cannot connect to ${broker}: ${toError(cause).message}`;
    throw new ConnectionError("CONNECTION_FAILED", broker, message, { cause });
  }
}
