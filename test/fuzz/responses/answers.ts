import type { SaslConfig } from "@ktables/client";
import { loadCodecs } from "../../protocol/codecs.ts";
import { type Offer, offerAll } from "./peer.ts";

/** A use of the client that gets an answer of one API in one version. */
export interface Elicited {
  readonly api: string;
  readonly version: number;
  /** Name of the operation. */
  readonly operation: string;
  readonly offer: Offer;
  readonly sasl: SaslConfig | undefined;
}

interface Way {
  readonly operation: string;
  /** Up to which version the peer offers other APIs; -1 for not at all. Default: all of them. */
  readonly others?: Readonly<Record<string, number>>;
  readonly sasl?: SaslConfig;
}

const plain: SaslConfig = { mechanism: "PLAIN", username: "alice", password: "secret" };

const ways: Readonly<Record<string, Way>> = {
  // Asked of brokers before 2.3, which have no IncrementalAlterConfigs.
  AlterConfigs: { operation: "configure", others: { IncrementalAlterConfigs: -1 } },
  ApiVersions: { operation: "metadata" },
  CreatePartitions: { operation: "grow" },
  CreateTopics: { operation: "create" },
  DeleteRecords: { operation: "trim" },
  DeleteTopics: { operation: "remove" },
  DescribeConfigs: { operation: "configure" },
  Fetch: { operation: "read" },
  IncrementalAlterConfigs: { operation: "configure" },
  InitProducerId: { operation: "produce" },
  ListOffsets: { operation: "offsets" },
  Metadata: { operation: "metadata" },
  // Asked where Fetch does not compare epochs.
  OffsetForLeaderEpoch: { operation: "read", others: { Fetch: 11 } },
  Produce: { operation: "produce" },
  SaslAuthenticate: { operation: "metadata", sasl: plain },
  SaslHandshake: { operation: "metadata", sasl: plain },
};

/** How to get each answer that the client may get: of every API in `protocol-specs`, in every version that it sends. */
export async function everyAnswer(): Promise<Elicited[]> {
  return (await loadCodecs()).flatMap(({ spec }) => {
    const way = ways[spec.name];
    if (way === undefined) throw new Error(`no use of the client is known that asks for ${spec.name}`);
    return spec.clientVersions.map((version): Elicited => {
      const offer: Offer = (api, lowest, highest) =>
        api === spec.name ? version : (way.others?.[api] ?? offerAll(api, lowest, highest));
      return { api: spec.name, version, operation: way.operation, offer, sasl: way.sasl };
    });
  });
}
