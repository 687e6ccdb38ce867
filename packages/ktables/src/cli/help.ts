import type { Command } from "./command.ts";
import { describeOption, type OptionName, optionDefinitions, optionNames } from "./options.ts";

export function generalHelp(commands: readonly Command[]): string {
  return `ktables: a Kafka topic as a map of keys to values

Usage: ktables <command> --bootstrap-servers <host:port> --topic <name> [options]

Commands:
${columns(commands.map((command) => [[command.name, ...command.positionals.map(argument)].join(" "), command.summary]))}

Options:
${columns([
  ["--help, -h", "show this help, or that of a command"],
  ["--version", "show the version"],
])}

Exit codes: 0 done, 1 key absent, difference or problem found, 2 usage, 3 cluster unreachable, 4 refused by the broker, 5 table not ready.
"ktables <command> --help" tells the rest. Start with: ktables demo
`;
}

export function commandHelp(command: Command): string {
  const usage = ["ktables", command.name, ...command.positionals.map(argument), "[options]"].join(" ");
  const options = optionNames.filter((name) => command.options.includes(name));
  return `${command.summary}

Usage: ${usage}

${command.details}

Options:
${columns(options.map((name) => [optionLabel(name), describeOption(command.name, name)]))}
`;
}

function argument(name: string): string {
  return `<${name}>`;
}

function optionLabel(name: OptionName): string {
  const { short, placeholder } = optionDefinitions[name];
  const flag = short === undefined ? `--${name}` : `--${name}, -${short}`;
  return placeholder === undefined ? flag : `${flag} <${placeholder}>`;
}

function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join("\n");
}
