/**
 * PgBouncer in transaction mode in front of a server, for tests.
 *
 * @module
 */

import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { installWithApt } from "../_apt.ts";
import { findProgram } from "../_find_program.ts";
import { freePort } from "../_free_port.ts";
import { TemporaryFolder } from "../_temporary.ts";
import { startDaemon } from "./daemon.ts";
import { giveToServerUser } from "./programs.ts";
import type { PostgresServer } from "./server.ts";

/** A PgBouncer that runs. */
export interface PgBouncer {
  /** The URL of the server's database through it. */
  readonly url: string;
  /** Ends it. */
  stop(): Promise<void>;
}

/**
 * Starts a PgBouncer. Its users need no password.
 *
 * @param server The server behind it.
 * @param settings Settings beside the usual ones, such as `default_pool_size`.
 * @throws {Error} If there is no PgBouncer, or it does not start.
 */
export async function startPgBouncer(
  server: Pick<PostgresServer, "port">,
  settings: Readonly<Record<string, string | number>> = {},
): Promise<PgBouncer> {
  const program = await obtainPgBouncer();
  const port = await freePort();
  const folder = new TemporaryFolder("pgbouncer");
  const users = join(folder.path, "users.txt");
  const config = join(folder.path, "pgbouncer.ini");
  const all = {
    listen_addr: "127.0.0.1",
    listen_port: port,
    unix_socket_dir: "",
    auth_type: "any",
    auth_file: users,
    pool_mode: "transaction",
    default_pool_size: 4,
    max_client_conn: 500,
    // Drivers name these when they connect, and PgBouncer refuses what it does not know.
    ignore_startup_parameters: "extra_float_digits,search_path,statement_timeout,idle_in_transaction_session_timeout",
    ...settings,
  };
  writeFileSync(users, '"postgres" ""\n');
  const lines = Object.entries(all).map(([name, value]) => `${name} = ${value}\n`);
  writeFileSync(
    config,
    `[databases]\n* = host=127.0.0.1 port=${server.port} user=postgres\n[pgbouncer]\n${lines.join("")}`,
  );
  for (const path of [folder.path, users, config]) giveToServerUser(path);

  const daemon = await startDaemon(program, [config], {
    ready: /process up/,
    title: `PgBouncer on port ${port}`,
    last: "SIGTERM",
  });
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    async stop() {
      await daemon.end("SIGTERM");
      folder[Symbol.dispose]();
    },
  };
}

async function obtainPgBouncer(): Promise<string> {
  const present = findPgBouncer();
  if (present !== undefined) return present;
  const { problem } = await installWithApt("pgbouncer");
  const installed = findPgBouncer();
  if (installed !== undefined) return installed;
  throw new Error(`Cannot find pgbouncer: put it on the PATH, or be root on Debian (${problem})`);
}

function findPgBouncer(): string | undefined {
  return findProgram(["pgbouncer"], ["/usr/sbin"]);
}
