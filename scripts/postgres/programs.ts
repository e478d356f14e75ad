/**
 * Where the programs of PostgreSQL are on this machine, and how they are run: they refuse to run as root.
 *
 * @module
 */

import { chownSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";

import { installWithApt } from "../_apt.ts";

/** Where Debian and its relatives put the programs of a server, a folder for each version. */
const DEBIAN = "/usr/lib/postgresql";
/** What a folder must hold. The last one belongs to the client, which the package of the server needs. */
const NAMES = ["initdb", "postgres", "pg_ctl", "pg_basebackup"];
/** The user that Debian's package makes. */
const USER = "postgres";

/** A folder with the programs of a PostgreSQL server, of the newest version if there are several. */
export function findPrograms(): string | undefined {
  const onPath = (process.env["PATH"] ?? "").split(delimiter);
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).toSorted((a, b) => Number(b) - Number(a)) : [];
  const folders = [...onPath, ...versions.map((version) => join(DEBIAN, version, "bin"))];
  return folders.find((folder) => NAMES.every((name) => existsSync(join(folder, name))));
}

/**
 * The folder with the programs of a server, which is installed if that is allowed.
 *
 * @throws {Error} If there is none. The message names the ways to get one.
 */
export async function obtainPrograms(): Promise<string> {
  const present = findPrograms();
  if (present !== undefined) return present;
  const { problem } = await installWithApt("postgresql");
  const installed = findPrograms();
  if (installed !== undefined) return installed;
  throw new Error(`Cannot find the programs of a PostgreSQL server. Any one of these will do:
  1. ${NAMES.join(", ")} on the PATH
  2. a folder ${DEBIAN}/<version>/bin with them
  3. root on Debian, to install postgresql with apt-get (${problem})
Tests that need no server of their own also take RATESYNC_TEST_POSTGRES_URL=postgres://user@host:port/database`);
}

/** The command line that runs a program as a user who may run PostgreSQL. */
export function asServerUser(program: string, args: readonly string[]): readonly [program: string, args: string[]] {
  if (process.getuid?.() !== 0) return [program, [...args]];
  return ["setpriv", [`--reuid=${USER}`, `--regid=${USER}`, "--init-groups", "--", program, ...args]];
}

/** Gives a file or a folder to the user of `asServerUser`. */
export function giveToServerUser(path: string): void {
  if (process.getuid?.() !== 0) return;
  const line = readFileSync("/etc/passwd", "utf8").split("\n").find((entry) => entry.startsWith(`${USER}:`));
  const [, , uid, gid] = (line ?? "").split(":");
  if (uid === undefined) throw new Error(`Cannot run PostgreSQL as root, and there is no user ${USER}`);
  chownSync(path, Number(uid), Number(gid));
}
