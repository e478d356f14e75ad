/**
 * Several processes as one contender, and what a nats-server takes meanwhile.
 *
 * @module
 */

import { readdir, readFile } from "node:fs/promises";

import type { Contender } from "./_load.ts";
import type { Probe } from "./_probe.ts";

/** Processes that make the calls of a round together, at the same time. */
export function team(name: string, members: readonly Contender[]): Contender {
  return {
    name,
    least: members.reduce((sum, { least }) => sum + least, 0),
    commands: [],
    async round(calls) {
      const share = Math.ceil(calls / members.length);
      const rounds = await Promise.all(members.map((member) => member.round(share)));
      return {
        calls: share * members.length,
        ms: Math.max(...rounds.map(({ ms }) => ms)),
        ownUs: rounds.reduce((sum, { ownUs }) => sum + ownUs, 0),
        latenciesUs: rounds.flatMap(({ latenciesUs }) => latenciesUs),
      };
    },
    async close() {
      await Promise.all(members.map((member) => member.close()));
    },
  };
}

/** What a process takes of the processors, on Linux. */
export function processProbe(pid: number): Pick<Probe, "reset" | "read"> {
  let beforeUs = NaN;
  return {
    async reset() {
      beforeUs = await processUs(pid);
    },
    read: async () => ({ commands: NaN, commandUs: NaN, cpuUs: await processUs(pid) - beforeUs }),
  };
}

/** The processor time of all threads of a process, in microseconds; NaN but on Linux. */
async function processUs(pid: number): Promise<number> {
  try {
    const threads = await readdir(`/proc/${pid}/task`);
    const times = await Promise.all(threads.map(async (thread) => {
      const [ns] = (await readFile(`/proc/${pid}/task/${thread}/schedstat`, "utf8").catch(() => "0")).split(" ");
      return Number(ns);
    }));
    return times.reduce((sum, ns) => sum + ns, 0) / 1_000;
  } catch {
    return NaN;
  }
}
