/**
 * What Redis itself counts.
 *
 * @module
 */

import { createClient } from "redis";

/** What Redis has done since the last {@linkcode Probe.reset}. */
export interface ServerWork {
  /** Commands that came over the wire. What scripts call inside is not counted. */
  readonly commands: number;
  /** The time these took, in microseconds: `usec` of `INFO commandstats`. */
  readonly commandUs: number;
  /** Processor time of the whole server, in microseconds, with reading commands and writing replies. */
  readonly cpuUs: number;
}

/** A client that asks Redis what a bench has cost it. */
export interface Probe {
  /** The version of the server. */
  readonly version: string;
  /** Begins to count anew. */
  reset(): Promise<void>;
  /**
   * What was counted since.
   *
   * @param others Commands that are sent beside scripts, in lower case. Those that no one names are not counted: they
   * cannot be told from what scripts call.
   */
  read(others?: readonly string[]): Promise<ServerWork>;
  /** Sends any command. */
  send(...command: string[]): Promise<unknown>;
  /** Removes all data. */
  flush(): Promise<void>;
  /** What all keys there are take, in bytes, by `MEMORY USAGE`. */
  bytes(): Promise<number>;
  /** Disconnects. */
  close(): Promise<void>;
}

/** Connects to a Redis whose data may be thrown away. */
export async function openProbe(url: string): Promise<Probe> {
  const client = createClient({ url });
  client.on("error", () => {}); // commands reject by themselves
  await client.connect();
  const send = (...command: string[]): Promise<unknown> => client.sendCommand(command);
  const info = async (section: string) => String(await send("INFO", section));
  async function cpuUs(): Promise<number> {
    const cpu = [...(await info("cpu")).matchAll(/^used_cpu_(?:sys|user):([\d.]+)/gm)];
    return cpu.reduce((sum, [, seconds]) => sum + Number(seconds) * 1e6, 0);
  }
  let startUs = 0;
  return {
    version: /^(?:redis|valkey)_version:(\S+)/m.exec(await info("server"))?.[1] ?? "unknown",
    async reset() {
      await send("CONFIG", "RESETSTAT");
      startUs = await cpuUs();
    },
    async read(others = []) {
      const endUs = await cpuUs();
      const wanted = new RegExp(
        `^cmdstat_(?:${["eval", "evalsha", ...others].join("|")}):calls=(\\d+),usec=(\\d+)`,
        "gm",
      );
      const stats = [...(await info("commandstats")).matchAll(wanted)];
      const sum = (group: 1 | 2) => stats.reduce((total, stat) => total + Number(stat[group]), 0);
      return { commands: sum(1), commandUs: sum(2), cpuUs: endUs - startUs };
    },
    send,
    async flush() {
      await send("FLUSHALL");
    },
    async bytes() {
      // The register of a limiter's rules is one key, however many keys the limiter has.
      const keys = (await send("KEYS", "*") as string[]).filter((key) => !key.includes(":%rules:"));
      const sizes = await Promise.all(keys.map((key) => send("MEMORY", "USAGE", key, "SAMPLES", "0")));
      return sizes.reduce<number>((sum, size) => sum + Number(size), 0);
    },
    async close() {
      await client.close();
    },
  };
}
