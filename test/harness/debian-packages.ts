import { tryCommand } from "./run-command.ts";

/** Installs packages of Debian, as root. Undefined when they are there, otherwise the reason why not. */
export async function installDebianPackages(...names: readonly string[]): Promise<string | undefined> {
  const what = names.join(" ");
  if (process.platform !== "linux" || process.getuid?.() !== 0) return `only root on Linux could install ${what}`;
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  const install = ["install", "-y", "-q", "--no-install-recommends", ...names];
  let result = await tryCommand("apt-get", install, { env });
  if (result.exitCode !== 0) {
    await tryCommand("apt-get", ["update", "-q"], { env });
    result = await tryCommand("apt-get", install, { env });
  }
  return result.exitCode === 0 ? undefined : `apt-get could not install ${what}: ${result.output.slice(-500)}`;
}
