/**
 * PostgreSQL servers of our own on free loopback ports. They end with this process.
 *
 * @module
 */

import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { freePort } from "../_free_port.ts";
import { run } from "../_process.ts";
import { TemporaryFolder } from "../_temporary.ts";
import { type Daemon, startDaemon } from "./daemon.ts";
import { asServerUser, giveToServerUser, obtainPrograms } from "./programs.ts";

/** How a server is started. */
export interface PostgresOptions {
  /** Settings of `postgresql.conf`, beside those that make tests fast. `fsync` is off unless it is given here. */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** Lines of `pg_hba.conf`, in place of those that let every user in. */
  readonly access?: readonly string[];
  /** Certificate and key in PEM: the server then offers TLS. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca?: string };
  /** The server that this one is a standby of. */
  readonly standbyOf?: PostgresServer;
  /** An empty folder for the data, in place of one of its own. */
  readonly folder?: string;
}

/** A server that runs. */
export interface PostgresServer {
  /** Its URL, of a superuser and the database `postgres`. */
  readonly url: string;
  /** Its port on the loopback interface. */
  readonly port: number;
  /** Where its data is. */
  readonly data: string;
  /** The process id of the server. */
  readonly pid: number;
  /** Ends it and starts it again, with the same port and data. `crash` leaves it no time to write anything. */
  restart(how?: "fast" | "crash"): Promise<void>;
  /** Ends it, and keeps its data for a later `start`. */
  halt(how?: "fast" | "crash"): Promise<void>;
  /** Starts it after `halt`. */
  start(): Promise<void>;
  /** Makes a primary of a standby. */
  promote(): Promise<void>;
  /** Ends it, and removes its data. */
  stop(): Promise<void>;
}

/** Nothing that tests write has to survive the machine. */
const SETTINGS: Readonly<Record<string, string | number>> = {
  listen_addresses: "127.0.0.1",
  fsync: "off",
  full_page_writes: "off",
  shared_buffers: "32MB",
  max_wal_size: "256MB",
  wal_level: "replica",
  max_connections: 100,
  logging_collector: "off",
  log_min_messages: "warning",
};

/** `fast` ends all sessions, `crash` ends as if the process had been killed: the next start recovers. */
const SIGNALS = { fast: "SIGINT", crash: "SIGQUIT" } as const;

/**
 * Starts a server with a database cluster of its own.
 *
 * @throws {Error} If there are no programs, or the server does not start. The message holds what it printed.
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const programs = await obtainPrograms();
  const port = await freePort();
  const folder = new TemporaryFolder("postgres");
  giveToServerUser(folder.path);
  const data = options.folder ?? join(folder.path, "data");
  if (options.standbyOf === undefined) await initialise(programs, data);
  else await copyOf(programs, options.standbyOf, data);
  configure(data, folder.path, port, options);

  const begin = () =>
    startDaemon(join(programs, "postgres"), ["-D", data], {
      ready: /ready to accept (?:read-only )?connections/,
      title: `PostgreSQL on port ${port}`,
      last: "SIGQUIT",
    });
  let daemon: Daemon = await begin().catch((error: unknown) => {
    folder[Symbol.dispose]();
    throw error;
  });
  const halt = (how: "fast" | "crash" = "fast") => daemon.end(SIGNALS[how]);
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    port,
    data,
    get pid() {
      return daemon.pid;
    },
    halt,
    async start() {
      daemon = await begin();
    },
    async restart(how) {
      await halt(how);
      daemon = await begin();
    },
    promote: () => must(programs, "pg_ctl", ["promote", "-w", "-D", data]),
    async stop() {
      await halt("crash");
      folder[Symbol.dispose]();
    },
  };
}

/** The first cluster that this process made, which later ones are copies of: `initdb` takes a second of processor time. */
let template: Promise<string> | undefined;

async function initialise(programs: string, data: string): Promise<void> {
  template ??= (async () => {
    const folder = new TemporaryFolder("postgres-template");
    giveToServerUser(folder.path);
    const path = join(folder.path, "data");
    const args = ["-D", path, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"];
    await must(programs, "initdb", [...args, "--no-instructions"]);
    return path;
  })();
  await mustRun("cp", ["-a", `${await template}/.`, data]);
}

async function copyOf(programs: string, primary: PostgresServer, data: string): Promise<void> {
  const from = ["-h", "127.0.0.1", "-p", String(primary.port), "-U", "postgres"];
  await must(programs, "pg_basebackup", [...from, "-D", data, "-R", "-X", "stream", "--checkpoint=fast", "--no-sync"]);
}

function configure(data: string, sockets: string, port: number, options: PostgresOptions): void {
  const { settings = {}, access, tls } = options;
  const all: Record<string, string | number> = { ...SETTINGS, port, unix_socket_directories: sockets, ...settings };
  if (tls !== undefined) {
    for (const [name, text] of Object.entries(tls)) write(join(data, `server.${name}`), text);
    Object.assign(all, { ssl: "on", ssl_cert_file: "server.cert", ssl_key_file: "server.key" });
    if (tls.ca !== undefined) all["ssl_ca_file"] = "server.ca";
  }
  const lines = Object.entries(all).map(([name, value]) => `${name} = '${value}'\n`);
  write(join(data, "postgresql.conf"), lines.join(""));
  if (access !== undefined) write(join(data, "pg_hba.conf"), access.map((line) => `${line}\n`).join(""));
}

function write(path: string, text: string): void {
  writeFileSync(path, text, { mode: 0o600 });
  giveToServerUser(path);
}

async function must(programs: string, name: string, args: readonly string[]): Promise<void> {
  await mustRun(join(programs, name), args);
}

async function mustRun(program: string, args: readonly string[]): Promise<void> {
  const { code, output } = await run(...asServerUser(program, args), { cwd: "/" });
  if (code !== 0) throw new Error(`Cannot run ${program}: it ended with ${code}\n${output}`);
}
