import { readFormats, writeFormats } from "./values.ts";

type ValueOption =
  | "bootstrap-servers"
  | "topic"
  | "prefix"
  | "separator"
  | "value-format"
  | "partitions"
  | "replication-factor"
  | "isolation"
  | "ca-file"
  | "cert-file"
  | "key-file"
  | "sasl-mechanism"
  | "username"
  | "password-file"
  | "token-file"
  | "client-id"
  | "timeout-ms";

type FlagOption =
  | "keys-only"
  | "initial"
  | "raw"
  | "object"
  | "delete-missing"
  | "dry-run"
  | "create-topic"
  | "tls"
  | "json"
  | "debug"
  | "help";

export type OptionName = ValueOption | FlagOption;

/** The options of a command line. */
export type Values = { readonly [Name in ValueOption]?: string } & { readonly [Name in FlagOption]?: boolean };

interface OptionDefinition<Type extends "string" | "boolean"> {
  readonly type: Type;
  readonly short?: string;
  /** How the help calls the value. */
  readonly placeholder?: string;
  readonly description: string;
  /** What it is when it is not given, for the help. */
  readonly fallback?: string;
}

/** Every option of every command, in the order in which the help shows them. */
export const optionDefinitions: Readonly<
  Record<ValueOption, OptionDefinition<"string">> & Record<FlagOption, OptionDefinition<"boolean">>
> = {
  "bootstrap-servers": {
    type: "string",
    short: "b",
    placeholder: "host:port,…",
    description: "brokers to ask first",
  },
  topic: { type: "string", short: "t", placeholder: "name", description: "the topic" },
  prefix: { type: "string", placeholder: "text", description: "only keys that start with it" },
  separator: {
    type: "string",
    placeholder: "text",
    description: "what stands behind the length of the group in keys",
    fallback: ":",
  },
  "keys-only": { type: "boolean", description: "print no values" },
  initial: { type: "boolean", description: "print what is there already, then the changes" },
  raw: { type: "boolean", description: "write the value as it is: --value-format string" },
  object: { type: "boolean", description: "one JSON object of keys and values, rather than lines" },
  "delete-missing": { type: "boolean", description: "remove keys that the input does not have" },
  "dry-run": { type: "boolean", description: "write nothing, print what would change" },
  "value-format": { type: "string", placeholder: "format", description: "" },
  "create-topic": { type: "boolean", description: "create the topic, compacted, if it does not exist" },
  partitions: {
    type: "string",
    placeholder: "n",
    description: "partitions of a created topic",
    fallback: "the broker's default",
  },
  "replication-factor": {
    type: "string",
    placeholder: "n",
    description: "replicas of a created topic",
    fallback: "the broker's default",
  },
  isolation: {
    type: "string",
    placeholder: "level",
    description: "read_committed or read_uncommitted",
    fallback: "read_committed",
  },
  tls: { type: "boolean", description: "connect with TLS" },
  "ca-file": { type: "string", placeholder: "file", description: "PEM of the authorities to trust; implies --tls" },
  "cert-file": { type: "string", placeholder: "file", description: "PEM of the client certificate; implies --tls" },
  "key-file": { type: "string", placeholder: "file", description: "PEM of its private key; implies --tls" },
  "sasl-mechanism": {
    type: "string",
    placeholder: "name",
    description: "PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER",
  },
  username: { type: "string", placeholder: "name", description: "user of PLAIN and SCRAM" },
  "password-file": { type: "string", placeholder: "file", description: "the user's password" },
  "token-file": { type: "string", placeholder: "file", description: "token of OAUTHBEARER, read anew when needed" },
  "client-id": { type: "string", placeholder: "name", description: "name shown to the brokers", fallback: "ktables" },
  "timeout-ms": { type: "string", placeholder: "ms", description: "time for the command", fallback: "10000" },
  json: { type: "boolean", description: "print one JSON object per line, as where the output is no terminal" },
  debug: { type: "boolean", description: "say more on stderr, with stack traces" },
  help: { type: "boolean", short: "h", description: "show this help" },
};

export const optionNames: readonly OptionName[] = Object.keys(optionDefinitions) as OptionName[];

export const connectionOptions: readonly OptionName[] = [
  "bootstrap-servers",
  "topic",
  "tls",
  "ca-file",
  "cert-file",
  "key-file",
  "sasl-mechanism",
  "username",
  "password-file",
  "token-file",
  "client-id",
  "timeout-ms",
  "debug",
  "help",
];

export const readOptions: readonly OptionName[] = [...connectionOptions, "value-format", "isolation", "json"];

export const writeOptions: readonly OptionName[] = [
  ...connectionOptions,
  "create-topic",
  "partitions",
  "replication-factor",
  "json",
];

/** Two options mean different things to those who read and those who write, or who run without end. */
export function describeOption(command: string, name: OptionName): string {
  const { description, fallback } = optionDefinitions[name];
  if (name === "value-format") {
    if (command === "set") return `${writeFormats.join(", ")} (default: json)`;
    if (command === "load" || command === "diff") {
      return `of values that do not say theirs: ${writeFormats.join(", ")} (default: json)`;
    }
    const what = command === "doctor" ? "what values should be: " : "";
    return `${what}${readFormats.join(", ")} (default: auto)`;
  }
  if (command === "watch" && name === "timeout-ms") return "time to reach the cluster (default: 10000)";
  return fallback === undefined ? description : `${description} (default: ${fallback})`;
}
