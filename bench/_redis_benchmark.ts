/**
 * `redis-benchmark`, the C client of Redis itself, as a contender: it runs the very call that this package sends for
 * one decision.
 *
 * @module
 */

import { createClient } from "redis";

import { run } from "../scripts/_process.ts";
import type { Contender } from "./_load.ts";
import { openRateSync, ROOMY } from "./_ours.ts";

/** How `redis-benchmark` sends. */
export interface ClientOptions {
  /** Where Redis is. */
  readonly url: string;
  /** How many connections it opens. */
  readonly clients: number;
  /** How many calls each has under way. */
  readonly pipeline: number;
  /** How many keys there are, taken at random. */
  readonly keys: number;
}

/** Makes a contender, if the program is on the PATH. */
export async function redisBenchmark({ url, clients, pipeline, keys }: ClientOptions): Promise<Contender> {
  const command = await loneCall(url);
  const { hostname, port, password } = new URL(url);
  const server = ["-h", hostname || "127.0.0.1", "-p", port || "6379", ...(password ? ["-a", password] : [])];
  const load = ["-c", String(clients), "-P", String(pipeline), "-r", String(keys)];
  return {
    name: `redis-benchmark, ${clients} clients, ${pipeline} in a pipeline`,
    least: clients * pipeline * 20,
    commands: [],
    async round(calls) {
      const startMs = performance.now();
      const args = [...server, ...load, "-n", String(calls), "--csv", ...command];
      const { code, output } = await run("redis-benchmark", args, { limitMs: 60_000 });
      const perSecond = Number(/^"[^"]*","([\d.]+)"/.exec(output.split("\n").at(-2) ?? "")?.[1]);
      if (code !== 0 || !(perSecond > 0)) throw new Error(output.trim());
      if (performance.now() - startMs < calls / perSecond * 900) throw new Error(`Cannot believe ${output.trim()}`);
      return { calls, ms: calls / perSecond * 1_000, ownUs: NaN, latenciesUs: [] };
    },
    close: () => Promise.resolve(),
  };
}

/** What reaches Redis for one lone `tryAcquire` from a token bucket, with a random number in the key's place. */
async function loneCall(url: string): Promise<string[]> {
  await using rs = openRateSync(url, { api: ROOMY });
  const ask = (key: string) => rs.tryAcquire("api", { key });
  for (let i = 0; i < 50; i++) await ask(`user:${i}`); // each of its connections has sent the script by then
  const lines: string[] = [];
  const monitor = await createClient({ url }).connect();
  try {
    const seen = new Promise<void>((resolve) => {
      void monitor.monitor((line) => {
        lines.push(String(line));
        if (String(line).includes('"PING" "seen"')) resolve();
      });
    });
    const other = await createClient({ url }).connect();
    await ask("the key");
    await other.sendCommand(["PING", "seen"]);
    await seen;
    await other.close();
  } finally {
    monitor.destroy();
  }
  const calls = lines.filter((line) => /^\S+ \[\d+ (?!lua)[^\]]*\] "EVALSHA"/i.test(line));
  if (calls.length !== 1) throw new Error(`Cannot capture the call: one EVALSHA expected in\n${lines.join("\n")}`);
  const words = [...(calls[0] as string).matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, word = ""]) => word);
  if (words.some((word) => word.includes("\\"))) throw new Error(`Cannot repeat the call: ${words.join(" ")}`);
  return words.map((word) => word.replace("the key", "user:__rand_int__"));
}
