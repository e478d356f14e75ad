/**
 * Servers for tests from Debian's packages, where this process may install them.
 *
 * @module
 */

import { existsSync } from "node:fs";
import process from "node:process";

import { run } from "./_process.ts";
/** Why a way to get a program is closed on this machine. */
export interface Unavailable {
  /** In a few words. */
  readonly problem: string;
}

/** Installs a package. Its service, if it was started, is stopped: the tests start a server of their own. */
export async function installWithApt(name: string = "redis-server"): Promise<Unavailable> {
  if (process.getuid?.() !== 0) return { problem: "this process is not root" };
  if (!existsSync("/etc/debian_version")) return { problem: "this is not Debian" };

  console.error(`Installing ${name} with apt-get`);
  // RUNLEVEL=1 asks Debian's scripts not to start the service.
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  // Files of tests that run at the same time may each need something.
  const wait = ["-o", "DPkg::Lock::Timeout=300"];
  const update = await run("apt-get", [...wait, "update", "-qq"], { env });
  const install = await run("apt-get", [...wait, "install", "-y", "-qq", "--no-install-recommends", name], { env });
  if (install.code !== 0) return { problem: `apt-get failed\n${update.output}${install.output}` };

  await run("service", [name, "stop"]);
  return { problem: `it installed no ${name} on the PATH` };
}
