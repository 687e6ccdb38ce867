/**
 * Command: `node test/browser/run.ts` runs the checks of the record batch package in headless Chromium, with and
 * without WebAssembly. Where Chromium is not installed, it installs Debian's package when it may; where it cannot, it
 * says so and succeeds.
 */
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { bundleChecks } from "./bundle.ts";
import type { Check } from "./checks.ts";
import { dumpDom, ensureChromium } from "./chromium.ts";

interface PageResult {
  readonly agent: string;
  readonly withWebAssembly: readonly Check[];
  readonly withoutWebAssembly: readonly Check[];
}

/** The same module by two addresses is there twice, and each copy looks for WebAssembly when it first needs it. */
const page = `<!doctype html>
<title>ktables</title>
<link rel="icon" href="data:,">
<pre id="result"></pre>
<script type="module">
  import { run } from "/checks.js";
  import { run as runAgain } from "/checks.js?again";
  const withWebAssembly = run(true);
  delete globalThis.WebAssembly;
  const withoutWebAssembly = runAgain(false);
  const result = { agent: navigator.userAgent, withWebAssembly, withoutWebAssembly };
  document.getElementById("result").textContent = encodeURIComponent(JSON.stringify(result));
</script>`;

async function main(): Promise<void> {
  const { command, why } = await ensureChromium();
  if (command === undefined) {
    console.error(`\n*** SKIPPED: the record batch package in a real browser. ${why} ***`);
    await writeReport({ skipped: true });
    return;
  }
  const server = await serve(await bundleChecks("esm"));
  try {
    const { port } = server.address() as AddressInfo;
    await report(await dumpDom(command, `http://127.0.0.1:${port}/`));
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

async function serve(checks: string): Promise<Server> {
  const server = createServer((request, response) => {
    const isScript = request.url?.startsWith("/checks.js") === true;
    response.writeHead(200, { "content-type": `${isScript ? "text/javascript" : "text/html"}; charset=utf-8` });
    response.end(isScript ? checks : page);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

async function report(dom: string): Promise<void> {
  const [, encoded] = /<pre id="result">([^<]+)<\/pre>/.exec(dom) ?? [];
  if (encoded === undefined) throw new Error(`the page has no result:\n${dom.slice(0, 4000)}`);
  const { agent, withWebAssembly, withoutWebAssembly }: PageResult = JSON.parse(decodeURIComponent(encoded));
  const checks = [...withWebAssembly, ...withoutWebAssembly];
  const failures = checks.filter(({ failure }) => failure !== undefined);
  for (const { name, failure } of failures) console.error(`FAILED: ${name}: ${failure}`);
  const counts = { passed: checks.length - failures.length, failed: failures.length };
  console.log(agent);
  console.log(`checks in a browser: ${counts.passed} passed, ${counts.failed} failed`);
  if (failures.length > 0 || checks.length === 0) process.exitCode = 1;
  await writeReport(counts);
}

async function writeReport(content: object): Promise<void> {
  const path = process.env["KTABLES_REPORT"];
  if (path !== undefined) await writeFile(path, JSON.stringify(content));
}

await main();
