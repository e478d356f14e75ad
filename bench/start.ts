/**
 * How long a process takes from its start to its first decision on Redis, and its first call once it is up.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

import { run, tool } from "../scripts/_process.ts";
import { TemporaryFolder } from "../scripts/_temporary.ts";
import { percentile } from "./_load.ts";
import { type BenchContext, claim, type Report, yardstick } from "./_report.ts";

/** What `npm run build` makes. */
const BUNDLE = "dist/bundle/mod.js";

const OURS = "this package, at once";
const PEER = "rate-limiter-flexible, node-redis";
const UP = "this package, up for a second";

/** What a program prints at its first decision, in milliseconds. */
interface Start {
  /** Since the process was started. */
  readonly ms: number;
  /** Of that, in the call. */
  readonly callMs: number;
  /** Processor time of the process. */
  readonly cpuMs: number;
}

/** Runs it. */
export async function start({ url, quick }: BenchContext): Promise<Report> {
  const notes: string[] = [];
  const starts = await measure(url, quick ? { warmUp: 0, runs: 1 } : { warmUp: 1, runs: 21 }).catch((error: Error) => {
    notes.push(`Starting is not available: ${error.message}`);
    return new Map<string, readonly Start[]>();
  });
  const median = (name: string, what: keyof Start) => percentile((starts.get(name) ?? []).map((one) => one[what]), 0.5);
  return {
    about: "Medians of processes that are started in turn; Node, the package as it is published.",
    rows: [...starts.keys()].map((name) => ({
      "a program with": name,
      "ms to the first decision": median(name, "ms"),
      "ms of the first call": median(name, "callMs"),
      "own CPU ms": median(name, "cpuMs"),
    })),
    claims: [
      claim(
        {
          what: "from the start of a process to its first decision",
          better: "lower",
          unit: " ms",
          must: 190,
          aim: 150,
          yardstick: yardstick(
            `${PEER}, to its first decision`,
            194,
            starts.has(PEER) ? median(PEER, "ms") : undefined,
          ),
        },
        starts.has(OURS) ? median(OURS, "ms") : undefined,
      ),
      claim(
        { what: `the same, against ${PEER}`, better: "lower", unit: "x", must: 1, aim: 0.8 },
        starts.has(PEER) ? median(OURS, "ms") / median(PEER, "ms") : undefined,
      ),
      claim(
        { what: "the first call of a process that is up", better: "lower", unit: " ms", must: 15, aim: 5 },
        starts.has(UP) ? median(UP, "callMs") : undefined,
      ),
    ],
    notes,
  };
}

/** How often each program runs, first without being counted, because the first runs fill caches. */
interface Turns {
  readonly warmUp: number;
  readonly runs: number;
}

async function measure(url: string, { warmUp, runs }: Turns): Promise<Map<string, readonly Start[]>> {
  if (!existsSync(BUNDLE)) throw new Error(`${BUNDLE} is not there: npm run build`);
  using folder = new TemporaryFolder("start");
  const programs = new Map(Object.entries(programsOn(url)));
  const starts = new Map<string, Start[]>([...programs.keys()].map((name) => [name, []]));
  for (const [i, text] of [...programs.values()].entries()) await writeFile(join(folder.path, `${i}.mjs`), text);
  for (let turn = -warmUp; turn < runs; turn++) {
    const order = [...programs.keys()].map((name, i) => [i, name] as const);
    for (const [i, name] of turn % 2 === 0 ? order : order.toReversed()) {
      const { code, output } = await run(tool("node"), [join(folder.path, `${i}.mjs`)]);
      if (code !== 0) throw new Error(output);
      if (turn >= 0) starts.get(name)?.push(JSON.parse(output) as Start);
    }
  }
  return starts;
}

/** Programs that make one decision each, and print when it was there. */
function programsOn(url: string): Record<string, string> {
  const from = (entry: string) => JSON.stringify(entry);
  const there = `const { user, system } = process.cpuUsage();
const ms = performance.now();
console.log(JSON.stringify({ ms, callMs: ms - callMs, cpuMs: (user + system) / 1_000 }));
process.exit(0);
`;
  const ours = (before: string) =>
    `import { createRateSync } from ${from(pathToFileURL(resolve(BUNDLE)).href)};
const rs = createRateSync({
  stores: { shared: { engine: "redis", url: ${from(url)}, keyPrefix: "start", decisionTimeoutMs: 20_000 } },
  limiters: { api: { limit: 1_000_000, windowMs: 60_000, onStoreError: "throw" } },
});
${before}
const callMs = performance.now();
await rs.tryAcquire("api", { key: "user:1" });
${there}`;
  return {
    [OURS]: ours(""),
    [PEER]: `import { createClient } from ${from(import.meta.resolve("redis"))};
import { RateLimiterRedis } from ${from(import.meta.resolve("rate-limiter-flexible"))};
const callMs = performance.now();
const storeClient = await createClient({ url: ${from(url)} }).connect();
await new RateLimiterRedis({ storeClient, points: 1_000_000, duration: 60, keyPrefix: "start:peer", useRedisPackage: true }).consume("user:1");
${there}`,
    [UP]: ours("await new Promise((resolve) => setTimeout(resolve, 1_000));"),
  };
}
