/*
 * Layout of JSON as text. Parsing and printing it again would round numbers beyond 2^53 and drop repeated names: a tool
 * that shows what is in a topic must not change it.
 */

const tokens = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/** Valid JSON on one line, without spaces outside of strings. */
export function compactJson(text: string): string {
  return (text.match(tokens) ?? []).join("");
}

/** Valid JSON with one member per line, indented by two spaces. */
export function indentJson(text: string): string {
  let result = "";
  let depth = 0;
  let previous = "";
  const newLine = (): string => `\n${"  ".repeat(depth)}`;
  for (const token of text.match(tokens) ?? []) {
    const opens = previous === "{" || previous === "[";
    const closes = token === "}" || token === "]";
    if (closes) depth--;
    if ((opens && !closes) || (closes && !opens) || previous === ",") result += newLine();
    result += token === ":" ? ": " : token;
    if (token === "{" || token === "[") depth++;
    previous = token;
  }
  return result;
}
