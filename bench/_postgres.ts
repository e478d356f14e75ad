/**
 * A PostgreSQL for benches, and what it itself counts.
 *
 * @module
 */

import process from "node:process";

import postgres from "postgres";

import { run } from "../scripts/_process.ts";
import { sumOfProcesses } from "../scripts/_process_tree.ts";
import { startPostgres } from "../scripts/postgres/server.ts";
import type { ServerWork } from "./_probe.ts";

/** A server of its own, whose data ends with it. */
export interface BenchPostgres {
  /** Its URL. */
  readonly url: string;
  /** Why it could not be pinned to a core; undefined where that was done. */
  readonly notPinned: string | undefined;
  /** Begins to count processor time anew. */
  reset(): Promise<void>;
  /** The processor time since. Only that: PostgreSQL counts no commands. */
  read(): Promise<ServerWork>;
  /** Runs statements. */
  query(text: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** Ends it. */
  close(): Promise<void>;
}

/** Starts a server as it is used: what is committed reaches the disk. */
export async function openBenchPostgres(quick: boolean): Promise<BenchPostgres> {
  const server = await startPostgres({
    settings: { fsync: quick ? "off" : "on", full_page_writes: "on", shared_buffers: "256MB", max_wal_size: "2GB" },
  });
  const sql = postgres(server.url, { max: 1, onnotice: () => {} });
  let startUs = 0;
  return {
    url: server.url,
    notPinned: quick ? "Nothing is pinned to a core." : await pin(server.pid),
    reset: () => Promise.resolve(void (startUs = processorUs(server.pid))),
    read: () => Promise.resolve({ commands: NaN, commandUs: NaN, cpuUs: processorUs(server.pid) - startUs }),
    query: (text) => sql.unsafe(text),
    async close() {
      await sql.end({ timeout: 1 });
      await server.stop();
    },
  };
}

/** Gives a server, and every process that it starts from now on, the core that contenders stay away from. */
async function pin(pid: number): Promise<string | undefined> {
  if (process.platform !== "linux") {
    return "PostgreSQL can be pinned to a core, and its processor time be read, on Linux only.";
  }
  const { code, output } = await run("taskset", ["-acp", "0", String(pid)], { limitMs: 5_000 });
  return code === 0 ? undefined : `PostgreSQL could not be pinned to a core: ${output.trim()}`;
}

/** The processor time of a server with all of its processes, in microseconds. NaN where this system does not tell it. */
function processorUs(pid: number): number {
  return sumOfProcesses(pid, (file) => Number(file("schedstat").split(" ")[0])) / 1_000;
}
