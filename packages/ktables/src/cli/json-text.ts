/*
 * Layout of JSON as text. Parsing and printing it again would round numbers beyond 2^53 and drop repeated names: a tool
 * that shows what is in a topic must not change it.
 */

const tokens = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/** Valid JSON on one line, without spaces outside of strings. */
export function compactJson(text: string): string {
  return (text.match(tokens) ?? []).join("");
}

/** Members of a valid JSON object, repeated names included; each value on one line, without spaces outside of strings. */
export function objectMembers(text: string): (readonly [name: string, value: string])[] {
  const members: (readonly [string, string])[] = [];
  let depth = 0;
  let name: string | undefined;
  let value = "";
  for (const [token] of text.matchAll(tokens)) {
    if (token === "}" || token === "]") depth--;
    if (name !== undefined && (depth === 0 || (depth === 1 && token === ","))) {
      members.push([name, value]);
      name = undefined;
      value = "";
    } else if (name !== undefined) {
      if (depth > 1 || token !== ":") value += token;
    } else if (depth === 1 && token !== ",") {
      name = JSON.parse(token) as string;
    }
    if (token === "{" || token === "[") depth++;
  }
  return members;
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
