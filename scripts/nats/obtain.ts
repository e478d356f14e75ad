/**
 * The program nats-server, from wherever this machine can get it. Never a mock.
 *
 * @module
 */

import { installWithApt } from "../_apt.ts";
import { findProgram } from "../_find_program.ts";

/** Where Debian puts it, beside the folders of the PATH. */
const MORE_FOLDERS = ["/usr/sbin", "/usr/local/bin"];

/**
 * The path of nats-server. As root on Debian, it is installed where it is missing.
 *
 * @throws {Error} If there is none; the message names the ways to get one.
 */
export async function obtainNatsServer(): Promise<string> {
  const found = findNatsServer();
  if (found !== undefined) return found;
  const apt = await installWithApt("nats-server");
  const installed = findNatsServer();
  if (installed !== undefined) return installed;
  throw new Error(`Cannot find a NATS server to test against. Either of these will do:
  1. nats-server on the PATH, 2.9 or newer
  2. root on Debian, to install nats-server with apt-get (${apt.problem})`);
}

function findNatsServer(): string | undefined {
  return findProgram(["nats-server"], MORE_FOLDERS);
}
