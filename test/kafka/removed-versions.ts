import type { ApiSpec } from "../../protocol-specs/parse.ts";
import type { JavaPeer } from "../harness/java-peer.ts";
import { kafkaClasspath } from "../harness/maven.ts";
import type { OfClient } from "../harness/peer-commands.ts";

/** The last release before Kafka 4 removed old versions (KIP-896). */
const lastWithOldVersions = "3.9.2";

/** Whose messages a version of an API is compared with: the newest client's, or where it has removed it the last that had it. */
export async function clientFor(peer: JavaPeer, spec: ApiSpec, version: number): Promise<OfClient> {
  const { lowestVersion } = await peer.call("describeApi", { name: spec.name });
  return version < lowestVersion ? olderClient() : {};
}

async function olderClient(): Promise<OfClient> {
  const jar = `kafka-clients-${lastWithOldVersions}.jar`;
  const path = (await kafkaClasspath(lastWithOldVersions)).find((candidate) => candidate.endsWith(jar));
  if (path === undefined) throw new Error(`there is no ${jar}`);
  return { clientJar: path };
}
