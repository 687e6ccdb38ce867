import { silentLogger } from "@ktables/client";
import { EmbeddedBroker } from "@ktables/client/testing";
import { afterEach, describe, expect, test } from "vitest";
import { resolveConfig } from "../../packages/client/src/config.ts";
import { Connection } from "../../packages/client/src/connection.ts";
import { advertisedVersions, brokerLines, knownLines } from "../../packages/client/src/testing/broker-lines.ts";
import { loadCodecs } from "../protocol/codecs.ts";
import { failureOf } from "./embedded.ts";
import { answer, apiVersionsV0, apiVersionsV3, FakePeer } from "./fake-peer.ts";

const cleanup: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of cleanup.splice(0).toReversed()) await step();
});

async function connect(bootstrapServers: string): Promise<Connection> {
  const config = resolveConfig({ bootstrapServers, logger: silentLogger });
  const [address] = config.bootstrapServers;
  if (address === undefined) throw new Error("no address");
  const connection = await Connection.open(address, config, new AbortController().signal);
  cleanup.push(() => connection.close());
  return connection;
}

/** A peer that answers ApiVersions as a broker of the line does, that of a version too new included. */
async function advertise(line: (typeof knownLines)[number]): Promise<FakePeer> {
  const rows = [...advertisedVersions(line)].map(([key, { min, max }]) => [key, min, max] as const);
  const highest = advertisedVersions(line).get(18)?.max ?? 0;
  const peer = await FakePeer.start(({ apiVersion, correlationId, socket }) => {
    const body = apiVersion > highest ? apiVersionsV0(35, []) : apiVersion === 3 ? apiVersionsV3(0, rows) : undefined;
    socket.write(answer(correlationId, body ?? apiVersionsV0(0, rows)));
  });
  cleanup.push(() => peer.close());
  return peer;
}

const codecs = await loadCodecs();

/** The version that is chosen of each API, "-" where both sides share none. One column for each line. */
// biome-ignore format: it is a table
const choices: Readonly<Record<string, string>> = {
  lines:                  `0.11  1.0  1.1  2.0  2.1  2.4  2.8  3.3  3.9  4.0  4.4  event-hubs`,
  AlterConfigs:           `   0    0    0    1    1    1    2    2    2    2    2           -`,
  ApiVersions:            `   0    0    0    0    0    3    3    3    3    3    3           0`,
  CreatePartitions:       `   -    0    0    1    1    1    3    3    3    3    3           1`,
  CreateTopics:           `   2    2    2    3    3    5    7    7    7    7    7           2`,
  DeleteRecords:          `   0    0    0    1    1    1    2    2    2    2    2           -`,
  DeleteTopics:           `   1    1    1    2    3    4    5    5    5    5    5           2`,
  DescribeConfigs:        `   0    0    1    2    2    2    4    4    4    4    4           2`,
  Fetch:                  `   4    4    4    4   10   11   12   13   16   16   16           4`,
  IncrementalAlterConfigs:`   -    -    -    -    -    1    1    1    1    1    1           -`,
  InitProducerId:         `   0    0    0    1    1    2    4    4    4    4    4           -`,
  ListOffsets:            `   2    2    2    2    4    5    6    6    6    6    6           6`,
  Metadata:               `   4    5    5    5    7    9   10   12   12   13   13           5`,
  OffsetForLeaderEpoch:   `   -    -    -    -    2    3    4    4    4    4    4           -`,
  Produce:                `   3    5    5    5    7    8    9    9   10   12   13           7`,
  SaslAuthenticate:       `   -    0    0    0    0    1    2    2    2    2    2           1`,
  SaslHandshake:          `   -    1    1    1    1    1    1    1    1    1    1           1`,
};

function choicesOf(line: string): Record<string, string> {
  const column = columns(choices["lines"]).indexOf(line);
  const { lines: _, ...apis } = choices;
  return Object.fromEntries(Object.entries(apis).map(([api, row]) => [api, columns(row)[column] ?? "missing"]));
}

function columns(row = ""): string[] {
  return row.trim().split(/\s+/);
}

test("there is a column for every line that can be played", () => {
  expect(columns(choices["lines"])).toEqual(brokerLines);
  expect(knownLines.filter((line) => !brokerLines.some((played) => played === line))).toEqual(["0.10"]);
});

describe.each(brokerLines)("a broker of %s", (line) => {
  test("and the client agree on the highest versions that both speak", async () => {
    const connection = await connect((await advertise(line)).address);
    const chosen = codecs.map(({ api }) => [api.name, String(connection.versionFor(api) ?? "-")]);
    expect(Object.fromEntries(chosen)).toEqual(choicesOf(line));
  });

  test("is played by the embedded broker so that the client chooses the same", async () => {
    const broker = await EmbeddedBroker.start({ asVersion: line });
    cleanup.push(() => broker.close());
    const connection = await connect(broker.bootstrapServers);
    const chosen = codecs.map(({ api }) => [api.name, String(connection.versionFor(api) ?? "-")]);
    expect(Object.fromEntries(chosen)).toEqual(choicesOf(line));
  });
});

test("Kafka 0.10 is refused with the reason, for good", async () => {
  const { address } = await advertise("0.10");
  const error = await failureOf(connect(address));
  expect(error).toMatchObject({ name: "UnsupportedApiError", code: "UNSUPPORTED_API", retriable: false });
  expect(error.message).toContain(`${address} is older than Kafka 0.11`);
});

test("single versions can be lowered further, and a wrong line is an error that names the right ones", async () => {
  const broker = await EmbeddedBroker.start({ asVersion: "2.8", maxVersions: { Fetch: 11, InitProducerId: -1 } });
  cleanup.push(() => broker.close());
  const connection = await connect(broker.bootstrapServers);
  const fetch = codecs.find(({ api }) => api.name === "Fetch")?.api;
  const initProducerId = codecs.find(({ api }) => api.name === "InitProducerId")?.api;
  expect([fetch, initProducerId].map((api) => api && connection.versionFor(api))).toEqual([11, undefined]);
  const error = await failureOf(EmbeddedBroker.start({ asVersion: "0.10" as "0.11" }));
  expect(error).toMatchObject({ code: "INVALID_OPTION", option: "asVersion" });
  expect(error.message).toContain('"event-hubs"');
});
