/** Prints what comes along with `import "ktables"`, and the classes that have lost their names in the bundle. */
import { registerHooks } from "node:module";

const before = new Set(process.moduleLoadList);
let bytes = 0;
const hooks = registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (url.startsWith("file:")) bytes += loaded.source.length;
    return loaded;
  },
});
await import("ktables");
hooks.deregister();
const builtins = process.moduleLoadList.filter((name) => name.startsWith("NativeModule ") && !before.has(name));

const entries = await Promise.all(
  ["ktables", "ktables/client", "ktables/record-batch", "ktables/testing"].map((name) => import(name)),
);
const exported = entries.flatMap((entry) => Object.entries(entry));
const misnamed = exported.filter(([name, value]) => typeof value === "function" && value.name !== name);
console.log(JSON.stringify({ bytes, builtins, exported: exported.length, misnamed: misnamed.map(([name]) => name) }));
