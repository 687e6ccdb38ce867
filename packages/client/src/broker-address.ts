import { InvalidOptionError } from "./errors.ts";

/** Where a broker listens. */
export interface BrokerAddress {
  /** A name or an IP address; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

/** Parses `host:port,…`; IPv6 addresses stand in brackets. Throws {@link InvalidOptionError} naming the bad entry. */
export function parseBootstrapServers(servers: string | readonly string[]): BrokerAddress[] {
  const entries = (typeof servers === "string" ? servers.split(",") : [...servers])
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");
  if (entries.length === 0) {
    throw new InvalidOptionError("bootstrapServers", "connection: bootstrapServers is empty; give host:port");
  }
  return entries.map((entry) => {
    const match = /^(?:\[([0-9A-Fa-f:.%\w]+)\]|([^\s:[\]/@]+))(?::(\d{1,5}))?$/.exec(entry);
    const host = match?.[1] ?? match?.[2];
    const port = match?.[3] === undefined ? 9092 : Number(match[3]);
    if (host === undefined || port < 1 || port > 65_535) {
      throw new InvalidOptionError(
        "bootstrapServers",
        `connection: bootstrapServers: "${withoutCredentials(entry)}" is not a bootstrap server; write host:port, with a port from 1 to 65535` +
          (entry.includes("://") ? " and without a URL scheme" : ""),
      );
    }
    return { host, port };
  });
}

/** Somebody who writes a URL may have put a password into it. */
function withoutCredentials(entry: string): string {
  return entry.replace(/\/\/[^@/]*@/, "//…@");
}

export function formatAddress(address: BrokerAddress): string {
  return address.host.includes(":") ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}
