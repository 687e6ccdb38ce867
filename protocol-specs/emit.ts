import { emitDecoder } from "./emit-decoder.ts";
import { emitEncoder } from "./emit-encoder.ts";
import { emitInterfaces } from "./emit-interfaces.ts";
import type { ApiSpec, Struct } from "./parse.ts";

/** `ListOffsets` lives in `list-offsets.ts`. */
export function moduleName(spec: ApiSpec): string {
  return spec.name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, "-").toLowerCase();
}

function constantName(spec: ApiSpec): string {
  return spec.name.charAt(0).toLowerCase() + spec.name.slice(1);
}

/** The interfaces, and what a client does: encode requests, decode responses. */
export function emitClientModule(spec: ApiSpec): string {
  const encoder = emitEncoder(spec, spec.request);
  const decoder = emitDecoder(spec, spec.response);
  return [
    banner(spec),
    'import type { Api } from "../api.ts";',
    importHelpers("../error.ts", encoder + decoder),
    'import type { ProtocolReader } from "../reader.ts";',
    'import type { ProtocolWriter } from "../writer.ts";',
    "",
    emitInterfaces(spec, spec.request),
    emitInterfaces(spec, spec.response),
    encoder,
    decoder,
    `export const ${constantName(spec)}Api: Api<${spec.request.name}, ${spec.response.name}> = {`,
    `  key: ${spec.key},`,
    `  name: "${spec.name}",`,
    `  versions: [${spec.clientVersions.join(", ")}],`,
    `  flexibleFrom: ${spec.flexibleFrom},`,
    `  encodeRequest: write${spec.request.name},`,
    `  decodeResponse: read${spec.response.name},`,
    "};",
    "",
  ].join("\n");
}

/** What a broker does: decode requests, encode responses. */
export function emitServerModule(spec: ApiSpec): string {
  const decoder = emitDecoder(spec, spec.request);
  const encoder = emitEncoder(spec, spec.response);
  const types = [...structNames(spec.request), ...structNames(spec.response)].sort();
  return [
    banner(spec),
    'import type { ServerApi } from "../../protocol/api.ts";',
    importHelpers("../../protocol/error.ts", encoder + decoder),
    `import type {\n${types.map((type) => `  ${type},\n`).join("")}} from "../../protocol/generated/${moduleName(spec)}.ts";`,
    'import type { ProtocolReader } from "../../protocol/reader.ts";',
    'import type { ProtocolWriter } from "../../protocol/writer.ts";',
    "",
    decoder,
    encoder,
    `export const ${constantName(spec)}Server: ServerApi<${spec.request.name}, ${spec.response.name}> = {`,
    `  key: ${spec.key},`,
    `  name: "${spec.name}",`,
    `  minVersion: ${spec.versions.min},`,
    `  maxVersion: ${spec.versions.max},`,
    `  flexibleFrom: ${spec.flexibleFrom},`,
    `  decodeRequest: read${spec.request.name},`,
    `  encodeResponse: write${spec.response.name},`,
    "};",
    "",
  ].join("\n");
}

function banner(spec: ApiSpec): string {
  return `// Generated from protocol-specs/${moduleName(spec)}.spec: change that file and run protocol-specs/generate.ts.`;
}

function importHelpers(from: string, code: string): string {
  const helpers = ["fieldNotInVersion", "requireNonNull", "requireVersion"].filter((name) => code.includes(`${name}(`));
  return `import { ${helpers.join(", ")} } from "${from}";`;
}

function structNames(struct: Struct): string[] {
  const nested = struct.fields.flatMap((field) => {
    const element = field.type.kind === "array" ? field.type.element : field.type;
    return element.kind === "struct" ? structNames(element.struct) : [];
  });
  return [struct.name, ...nested];
}
