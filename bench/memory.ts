/**
 * The store inside this process: how fast, and how large.
 *
 * @module
 */

import process from "node:process";
import { fileURLToPath } from "node:url";

import { run } from "../scripts/_process.ts";
import { openApart } from "./_apart.ts";
import { compare, type Measured, paceOf } from "./_compare.ts";
import { openPeers } from "./_peers.ts";
import { type BenchContext, claim, figure, type Report, type Row, yardstick } from "./_report.ts";

const BUCKET = "tryAcquire, token bucket";
const FIXED = "tryAcquire, fixed window";
const ACQUIRE = "acquire, fixed window";
const FLEXIBLE = "rate-limiter-flexible, RateLimiterMemory";
const EXPRESS = "express-rate-limit, MemoryStore";

/** Names, and what they are to the programs. */
const SUBJECTS: Readonly<Record<string, string>> = {
  [BUCKET]: "bucket",
  [FIXED]: "fixed",
  "tryAcquire, sliding window counter": "counter",
  "tryAcquire, fixed window and token bucket": "two",
  [ACQUIRE]: "acquire",
  [FLEXIBLE]: "flexible",
  [EXPRESS]: "express",
};

/** Calls without a promise, and how many nanoseconds each may take: must and aim. */
const SYNC: Readonly<Record<string, readonly [subject: string, must: number, aim: number]>> = {
  "tryAcquireSync, token bucket": ["sync_bucket", 130, 90],
  "tryAcquireSync, fixed window": ["sync_fixed", 200, 120],
  "tryAcquireSync, token bucket, leased from Redis": ["sync_lease", 80, 40],
};

/** How many keys they are about. */
const SYNC_KEYS = 1_000;

/** What express-rate-limit's MemoryStore took on the machine for which the goals were set, in nanoseconds. */
const YARDSTICK_NS = 90;

/** Those whose heap is measured, as `_heap_worker.ts` calls them. */
const HEAPS: Readonly<Record<string, string>> = { [BUCKET]: "ours", [FLEXIBLE]: "flexible", [EXPRESS]: "express" };

/** Runs it. */
export async function memory({ quick, url }: BenchContext): Promise<Report> {
  const many = quick ? 100 : 100_000;
  const live = quick ? 20_000 : 200_000;
  const notes: string[] = [];
  const heap = new Map<string, readonly [kept: number, made: number]>();
  for (const [name, subject] of Object.entries(HEAPS)) {
    const kept = await heapOfKey(subject, live, "kept");
    if (Number.isNaN(kept)) notes.push(`${name}: its heap cannot be measured on this runtime`);
    heap.set(name, [kept, subject === "ours" ? await heapOfKey(subject, live, "made") : NaN]);
  }

  const rows: Row[] = [];
  async function measure(
    keys: number,
    subjects: Readonly<Record<string, string>> = SUBJECTS,
  ): Promise<(name: string) => Measured | undefined> {
    const { contenders, notes: missing } = await openPeers(Object.fromEntries(
      Object.entries(subjects).map(([name, subject]) => {
        const args = [subject, String(keys), url];
        // Tiny counts start a process for a few of them.
        const options = {
          program: "_memory_worker",
          args,
          isPinned: false,
          quick: quick && !subject.startsWith("sync_"),
        };
        return [name, () => openApart(name, options)];
      }),
    ));
    const measured = await compare(contenders, paceOf(quick, { warmUpMs: 1_000, roundMs: 250, rounds: 9 }));
    for (const contender of contenders) await contender.close();
    notes.push(...missing.filter((note) => !notes.includes(note)));
    const named = (name: string) => measured.find((one) => one.name === name);
    for (const one of measured) {
      rows.push({
        "in memory": one.name,
        keys,
        "own µs a decision": one.ownUs,
        "decisions/s": one.perSecond,
        "of what tryAcquire, fixed window, takes": cheaper(named(FIXED), one) ?? NaN,
        "heap bytes a key": keys === many ? heap.get(one.name)?.[0] ?? NaN : NaN,
        "with its string": keys === many ? heap.get(one.name)?.[1] ?? NaN : NaN,
      });
    }
    return named;
  }

  const sync = await measure(
    quick ? 10 : SYNC_KEYS,
    { ...Object.fromEntries(Object.entries(SYNC).map(([name, [subject]]) => [name, subject])), [EXPRESS]: "express" },
  );
  const one = await measure(1);
  const all = await measure(many);
  const faster = { better: "higher", unit: "x" } as const;
  const smaller = { better: "lower", unit: " B", must: 150, aim: 90 } as const;
  const nsOf = (one: Measured | undefined) => (one?.ownUs ?? NaN) * 1_000;
  const beside = (measured: typeof one) => yardstick(`${EXPRESS}, own ns`, YARDSTICK_NS, nsOf(measured(EXPRESS)));
  return {
    about: `Awaited calls, one at a time; each contender is a process of its own. Heap: ${figure(live)} live keys ` +
      "such as user:123456, where the caller keeps the same strings, and where only the store does.",
    rows,
    claims: [
      claim(
        { ...faster, what: `memory, fixed window, against ${FLEXIBLE}`, must: 1.6, aim: 2.5 },
        cheaper(all(FIXED), all(FLEXIBLE)),
      ),
      claim(
        { ...faster, what: `memory, fixed window, against ${EXPRESS}`, must: 0.6, aim: 0.95 },
        cheaper(all(FIXED), all(EXPRESS)),
      ),
      claim(
        { ...faster, what: `memory, token bucket, against ${EXPRESS}`, must: 0.8, aim: 0.95 },
        cheaper(all(BUCKET), all(EXPRESS)),
      ),
      claim(
        {
          what: "acquire without a wait, memory, one key: own ns",
          better: "lower",
          unit: " ns",
          must: 250,
          aim: 170,
          yardstick: beside(one),
        },
        nsOf(one(ACQUIRE)),
      ),
      ...Object.entries(SYNC).map(([name, [, must, aim]]) => {
        const what = `${name}, ${figure(SYNC_KEYS)} keys: own ns`;
        return claim({ what, better: "lower", unit: " ns", must, aim, yardstick: beside(sync) }, nsOf(sync(name)));
      }),
      claim({ ...smaller, what: "heap per live key, memory store" }, heap.get(BUCKET)?.[0]),
      claim({ ...smaller, what: "heap per live key with the key's own string" }, heap.get(BUCKET)?.[1]),
    ],
    notes,
  };
}

/** How much less processor time one took than the other: its own, whatever else the machine did. */
function cheaper(one: Measured | undefined, other: Measured | undefined): number | undefined {
  return one && other && other.ownUs / one.ownUs;
}

/** Measured in a process of its own, which holds nothing else. NaN where the runtime does not tell. */
async function heapOfKey(subject: string, count: number, strings: "kept" | "made"): Promise<number> {
  const worker = fileURLToPath(new URL(`./_heap_worker${import.meta.url.slice(-3)}`, import.meta.url));
  const { code, output } = await run(process.execPath, [...gcFlags(), worker, subject, String(count), strings], {
    limitMs: 60_000,
  });
  const size = Number(/^heap bytes a key: ([\d.]+)$/m.exec(output)?.[1] ?? NaN);
  if (code !== 0) throw new Error(`Cannot measure the heap of ${subject}: ${output}`);
  return size;
}

function gcFlags(): string[] {
  if ("deno" in process.versions) return ["run", "--allow-all", "--no-check", "--v8-flags=--expose-gc"];
  return ["--expose-gc"];
}
