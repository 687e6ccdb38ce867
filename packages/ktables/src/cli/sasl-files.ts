import { readFile } from "node:fs/promises";
import type { SaslConfig, SaslMechanism } from "@ktables/client";
import { toError } from "@ktables/client/internal";
import { oneOf } from "./arguments.ts";
import { usageError } from "./exit-code.ts";
import type { Values } from "./options.ts";

const mechanisms = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] as const satisfies SaslMechanism[];

type SecretFile = "password-file" | "token-file";

/** The credentials of the command line. Secrets come from files: everybody on the machine can see the arguments. */
export async function readSasl(values: Values): Promise<SaslConfig | undefined> {
  const { username } = values;
  if (values["sasl-mechanism"] === undefined) {
    const needless = (["username", "password-file", "token-file"] as const).find((name) => values[name] !== undefined);
    if (needless !== undefined) throw usageError(`--${needless} needs --sasl-mechanism`);
    return undefined;
  }
  const mechanism = oneOf("sasl-mechanism", values["sasl-mechanism"], mechanisms, "PLAIN");
  if (mechanism === "OAUTHBEARER") {
    if (username !== undefined || values["password-file"] !== undefined) {
      throw usageError("OAUTHBEARER takes --token-file, and neither --username nor --password-file");
    }
    await readSecret(values, "token-file");
    // Read again for every connection: whoever keeps tokens fresh writes the file anew.
    return { mechanism, token: async () => ({ value: await readSecret(values, "token-file") }) };
  }
  if (values["token-file"] !== undefined) throw usageError("--token-file is for OAUTHBEARER");
  if (username === undefined || username === "") throw usageError(`${mechanism} needs --username`);
  return { mechanism, username, password: await readSecret(values, "password-file") };
}

async function readSecret(values: Values, name: SecretFile): Promise<string> {
  const path = values[name];
  if (path === undefined) throw usageError(`${values["sasl-mechanism"]} needs --${name}`);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    throw usageError(`--${name}: cannot read the file: ${toError(cause).message}`, cause);
  }
  // What editors and `echo` put at the end is not part of the secret.
  const secret = text.replace(/\r?\n$/, "");
  if (secret === "") throw usageError(`--${name}: "${path}" is empty`);
  return secret;
}
