/**
 * Compares tables on real Kafka with what other clients make of the same topics; see README.md. One program runs at a
 * time, in a process of its own, and the subjects of a case take turns.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../command.ts";
import { startKafka } from "../harness/kafka.ts";
import { TrackedProcess } from "../harness/tracked-process.ts";
import { GivenUp, waitUntil } from "../harness/wait-until.ts";
import { allCases, type Case, type Reading, readings } from "./tables/cases.ts";
import { writeDocument } from "./tables/document.ts";
import { Measurements } from "./tables/measurements.ts";
import { optionsFrom } from "./tables/options.ts";
import { type Contents, expectedContents, keyOf, valueOf } from "./tables/records.ts";
import { machine, printCase } from "./tables/report.ts";
import { type ProgramReport, runProgram } from "./tables/run-program.ts";
import { type Program, type Subject, subjects } from "./tables/subjects.ts";
import { Topics } from "./tables/topics.ts";

interface Contender {
  readonly subject: Subject;
  readonly program: Program;
}

/** The harness's brokers start quickly; this one shall have its compiler, and room in which it seldom collects garbage. */
const jvmFlags = ["-XX:TieredStopAtLevel=4", "-Xmx2g", "-Xmn1500m"];
/** With more threads for its connections, it depends on how many were opened before who shares one with the publisher. */
const brokerConfig = { "num.network.threads": "1" };

const options = optionsFrom(process.argv.slice(2));
const cases = chosenCases();
const contenders = await preparedContenders();
const measurements = new Measurements();

const directory = await mkdtemp(join(tmpdir(), "ktables-bench-"));
try {
  await using kafka = await startKafka({ jvmFlags, brokerConfig });
  const { bootstrapServers } = kafka;
  await using topics = new Topics(bootstrapServers);
  if (!options.asJson) console.log(`${machine()}\nKafka ${kafka.version}, one broker on this machine`);
  for (const one of cases) await measureCase(one, bootstrapServers, topics);
  if (options.writesDocs) {
    const { rounds, records } = options;
    const taking = contenders.map(({ subject, program: { version, runtime } }) => {
      return { subject: subject.name, version, runtime };
    });
    await writeDocument(measurements.figures(), { kafka: kafka.version, rounds, records, contenders: taking });
  }
} finally {
  await rm(directory, { recursive: true, force: true });
}

function chosenCases(): Case[] {
  const all = allCases(options.records);
  const unknown = options.cases?.find((id) => !all.some((one) => one.id === id));
  if (unknown !== undefined) throw new Error(`no case ${unknown}: use ${all.map(({ id }) => id).join(", ")}`);
  return all.filter(({ id, isLarge }) => options.cases?.includes(id) ?? (options.writesDocs || !isLarge));
}

/** Builds what has to be built, before anything is measured. */
async function preparedContenders(): Promise<Contender[]> {
  const chosen = subjects.filter(
    ({ name, runtime }) => (options.subjects?.includes(name) ?? true) && (options.runtimes?.includes(runtime) ?? true),
  );
  if (chosen.length === 0) {
    const names = subjects.map(({ name, runtime }) => `${name} (${runtime})`).join(", ");
    throw new Error(`no such subject: there are ${names}`);
  }
  const prepared: Contender[] = [];
  for (const subject of chosen) {
    try {
      prepared.push({ subject, program: await subject.prepare() });
    } catch (error) {
      console.error(`*** LEFT OUT: ${subject.name} (${subject.runtime}): ${String(error).slice(0, 1000)} ***`);
    }
  }
  return prepared;
}

/** Whoever can do it takes turns; the first once more before, so that the broker is warm for all who come after it. */
async function measureCase(one: Case, bootstrapServers: string, topics: Topics): Promise<void> {
  const able = contenders.filter(
    ({ subject }) =>
      subject.benches.includes(one.bench) &&
      subject.reads.includes(one.plan.compression) &&
      (subject.parses || !one.json),
  );
  const [first] = able;
  if (first === undefined) return;
  const entries = join(directory, `${one.id}.txt`);
  const expected = isWriting(one) ? await writeEntries(one, entries) : expectedContents(one.plan);
  if (options.rounds > 1) await runOnce(one, first, bootstrapServers, topics, entries, expected).catch(() => undefined);
  const results = new Map<Contender, Reading[]>(able.map((contender) => [contender, []]));
  for (let round = 0; round < options.rounds / windowsOf(one); round++) {
    for (const [contender, found] of results) {
      try {
        const reports = await runOnce(one, contender, bootstrapServers, topics, entries, expected);
        for (const figures of reports) found.push(...readings(one, figures));
      } catch (error) {
        // The others go on: a run takes long.
        results.delete(contender);
        process.exitCode = 1;
        const { name, runtime } = contender.subject;
        console.error(`*** FAILED: ${one.id}, ${name} (${runtime}): ${String(error).slice(0, 4000)} ***`);
      }
    }
  }
  for (const [{ subject, program }, found] of results) {
    for (const reading of found) measurements.add(subject.name, program.runtime, reading);
  }
  printCase(measurements.figuresOfNewCases(), options.asJson);
}

/** How many times a process measures: where it takes long to warm up, once for each round. */
function windowsOf({ warmUpMs }: Case): number {
  return warmUpMs > 0 ? options.rounds : 1;
}

function isWriting({ bench }: Case): boolean {
  return bench === "writes" || bench === "sequential-writes";
}

async function writeEntries({ plan }: Case, path: string): Promise<Contents> {
  let text = "";
  for (let index = 0; index < plan.records; index++) text += `${keyOf(index, plan)}\n${valueOf(index, plan)}\n`;
  await writeFile(path, text);
  return expectedContents(plan);
}

/** @throws Error when a table does not hold what it must, or a topic not what was to be written. */
async function runOnce(
  one: Case,
  { program }: Contender,
  bootstrapServers: string,
  topics: Topics,
  entries: string,
  expected: Contents,
): Promise<ProgramReport["figures"][]> {
  const { bench, json, lazyJson, count, plan, publishedPerSecond: rate, warmUpMs } = one;
  const isFresh = isWriting(one) || bench === "wait-for" || rate > 0;
  const topic = isFresh ? await topics.empty(plan.partitions) : await topics.filled(plan);
  const { partitions } = plan;
  const tokenWriter = ourProgram("token-writer");
  const task = {
    bench,
    bootstrapServers,
    topic,
    partitions,
    json,
    lazyJson,
    count,
    warmUpMs,
    windows: windowsOf(one),
    tokenWriter,
    entries,
    directory,
  };
  const publisher = rate > 0 ? await startPublisher({ bootstrapServers, topic, rate }) : undefined;
  try {
    const reports = await runProgram(program, task);
    // What was written is read by the last one, which is ours only where there is nobody else.
    const reader = contenders.at(-1)?.program ?? program;
    const [found] = isWriting(one) ? await runProgram(reader, { ...task, bench: "catch-up" }) : reports;
    if (isWriting(one) || bench === "catch-up") {
      if (found?.contents?.keys !== expected.keys || found.contents.digest !== expected.digest) {
        throw new Error(`the table holds ${JSON.stringify(found?.contents)}, not ${JSON.stringify(expected)}`);
      }
    }
    if (publisher?.hasExited === true) throw new Error(`the publisher has ended: ${publisher.output}`);
    return reports.map(({ figures }) => figures);
  } finally {
    await publisher?.end("SIGKILL");
  }
}

/** The command that starts a program of `programs/` in which ours writes, on Node. */
function ourProgram(name: string): [command: string, ...args: string[]] {
  const program = join(root, "test/bench/programs", `${name}.ts`);
  return [join(root, "node_modules/.bin/node"), "--conditions=@ktables/source", program];
}

async function startPublisher(task: object): Promise<TrackedProcess> {
  const [command, ...args] = ourProgram("publisher");
  const publisher = new TrackedProcess(command, [...args, JSON.stringify(task)], { stdio: "output" });
  await waitUntil("the publisher writes", async () => {
    if (publisher.hasExited) throw new GivenUp(publisher.output);
    return publisher.output.includes("ready") ? true : undefined;
  });
  return publisher;
}
