import { readFile } from "node:fs/promises";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");

/** The code blocks of a document in one language, in order. @param path From the root of the repository. */
export async function codeBlocks(path: string, language: string): Promise<string[]> {
  const text = await readFile(join(root, path), "utf8");
  const blocks = [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)];
  return blocks.filter((match) => match[1] === language).map((match) => match[2] ?? "");
}
