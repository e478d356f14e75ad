/**
 * Minutes of load by several processes on one NATS server: no limit is exceeded, no call stays without an answer, and neither
 * the streams nor the memory of server and processes grow. Not a part of CI.
 *
 *     npm run soak:nats              thirty minutes, 2 000 requests a second
 *     npm run soak:nats -- 5         five minutes
 *     npm run soak:nats -- 5 8000    and so many requests a second
 *
 * Four processes ask about the same keys, and about keys that come and go; some of their callers wait for permits. One of the
 * four is replaced every minute, and another one stands still for a minute of each three. It ends with code 1 if anything is
 * wrong.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

import { askJetStream } from "../tests/stores/nats/_operator.ts";
import { TemporaryFolder } from "./_temporary.ts";
import { startNats } from "./nats/server.ts";
import { type Load, type LoadResult, type Runner, startRunner } from "./soak_nats/load.ts";
import { type Allowed, growthBetween, thirds } from "./soak/growth.ts";
import { unitsIn } from "./soak/units_file.ts";
import { violationsIn } from "./soak_postgres/violations.ts";

const PROCESSES = 4;
const SAMPLE_MS = 30_000;
/** How long the process that is replaced lives. */
const SHORT_MS = 60_000;
const PAUSE_EVERY_MS = 120_000;
const PAUSE_MS = 60_000;
/**
 * The most messages that a stream keeps: those since the snapshot before the last. A snapshot is due after 500 000 requests,
 * and a message counts as ten at least; the rest is for the time in which one is stored.
 */
const MOST_MESSAGES = 120_000;
/** The share of requests that may fail on a busy machine. */
const MOST_FAILED = 0.01;

interface Sample {
  readonly second: number;
  /** Both streams. */
  readonly streamMb: number;
  /** Messages since the snapshot before the last. */
  readonly messages: number;
  readonly serverMb: number;
  readonly heapMb: number;
  readonly keys: number;
}

/** What may grow, and how far. */
const ALLOWED: Allowed<Sample> = {
  serverMb: (before) => before * 1.3 + 20,
  heapMb: (before) => before * 1.3 + 3,
  keys: (before) => before * 1.3 + 500,
};

process.exitCode = await main(Number(process.argv[2] ?? 30), Number(process.argv[3] ?? 2_000));

async function main(minutes: number, perSecond: number): Promise<number> {
  if (!(minutes > 0 && perSecond > 0)) {
    throw new RangeError(`Cannot soak: expected numbers above 0, received ${process.argv.slice(2)}`);
  }
  const folder = new TemporaryFolder("soak");
  const server = await startNats();
  try {
    const ms = minutes * 60_000;
    const startMs = performance.now();
    let files = 0;
    const start = (ms: number) => {
      const file = join(folder.path, `units${files++}`);
      const load: Load = { url: server.url, perSecond: perSecond / PROCESSES, seed: 7 * files + 1, ms, file };
      return { file, runner: startRunner(load) };
    };
    const whole = Array.from({ length: PROCESSES - 1 }, () => start(ms));
    const short = (async () => {
      const done: typeof whole = [];
      for (let leftMs = ms; leftMs > 1_000; leftMs = ms - (performance.now() - startMs)) {
        const one = start(Math.min(leftMs, SHORT_MS));
        done.push(one);
        await one.runner.result;
      }
      return done;
    })();
    const watched = (whole[0] as typeof whole[number]).runner;
    const over = Promise.all([...whole.map(({ runner }) => runner.result), short]).then(() => {});
    void pauses((whole[1] as typeof whole[number]).runner);
    const samples = await watch(server, watched, over, startMs);
    const all = [...whole, ...await short];
    const results: (LoadResult & { taken: Record<string, number[]> })[] = [];
    for (const { file, runner } of all) {
      const result = await runner.result;
      if (result === undefined) throw new Error("Cannot tell whether limits held: a process ended before its time");
      results.push({ ...result, taken: unitsIn(file, result.keys) });
    }
    const problems = [...violationsIn(results), ...growthIn(samples), ...failuresIn(results)];
    const sum = (pick: (result: typeof results[number]) => number) => results.reduce((all, one) => all + pick(one), 0);
    const units = sum(({ taken }) => Object.values(taken).reduce((all, { length }) => all + length, 0));
    console.log(
      `\n${sum(({ requests }) => requests)} requests and ${sum(({ permits }) => permits)} permits by ` +
        `${results.length} processes in ${Math.round((performance.now() - startMs) / 1_000)} s, ${units} units taken`,
    );
    for (const problem of problems) console.error(`FAILED: ${problem}`);
    return problems.length === 0 ? 0 : 1;
  } finally {
    await server[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  }
}

/** Lets a process stand still again and again. */
async function pauses({ child, result }: Runner): Promise<void> {
  let isOver = false;
  void result.then(() => isOver = true);
  const stand = (signal: NodeJS.Signals) => {
    if (!isOver) process.kill(child.pid as number, signal);
  };
  while (!isOver) {
    await sleep(PAUSE_EVERY_MS, undefined, { ref: false });
    stand("SIGSTOP");
    await sleep(PAUSE_MS);
    stand("SIGCONT");
  }
}

async function watch(
  { url, pid }: { readonly url: string; readonly pid: number },
  runner: Runner,
  until: Promise<void>,
  startMs: number,
): Promise<Sample[]> {
  const samples: Sample[] = [];
  let isOver = false;
  const over = until.finally(() => isOver = true);
  while (!isOver) {
    await Promise.race([over, sleep(SAMPLE_MS)]);
    if (isOver) break;
    const states = await Promise.all(
      ["ratesync-0", "ratesync-0-snapshots"].map((name) => askJetStream(url, `STREAM.INFO.${name}`)),
    ).catch(() => []);
    const sample: Sample = {
      second: Math.round((performance.now() - startMs) / 1_000),
      streamMb: states.reduce((sum, one) => sum + (one.state?.bytes ?? 0) / 1e6, 0),
      messages: states[0]?.state.messages ?? 0,
      serverMb: Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1e3,
      heapMb: runner.sample?.heapMb ?? 0,
      keys: runner.sample?.keys ?? 0,
    };
    samples.push(sample);
    const { second, streamMb, messages, serverMb, heapMb, keys } = sample;
    console.log(
      `${second} s: ${messages} messages, ${streamMb.toFixed(1)} MB of streams, server ${serverMb.toFixed(0)} MB, ` +
        `process ${heapMb.toFixed(1)} MB of heap, ${keys} keys`,
    );
  }
  return samples;
}

/** What has grown between the second third and the last: a server's memory needs some minutes to find its size. */
function growthIn(samples: readonly Sample[]): string[] {
  const messages = Math.max(0, ...samples.map((sample) => sample.messages));
  if (messages > MOST_MESSAGES) return [`the stream kept ${messages} messages`];
  if (samples.length < 12) return [];
  const [, second, last] = thirds(samples);
  return growthBetween(second, last, ALLOWED);
}

/**
 * What must not fail. A process that has stood still reads anew, and one that gets no processor has no answer in time: their
 * callers were told, and they are few.
 */
function failuresIn(results: readonly LoadResult[]): string[] {
  const problems: string[] = [];
  const requests = results.reduce((sum, each) => sum + each.requests, 0);
  const unanswered = requests - results.reduce((sum, { answered }) => sum + answered, 0);
  if (unanswered > 0) problems.push(`${unanswered} requests had neither an answer nor an error`);
  let failed = 0;
  for (const [text, times] of results.flatMap(({ errors }) => Object.entries(errors))) {
    failed += times;
    if (/^(STORE_UNAVAILABLE|STORE_TIMEOUT|RATE_LIMITED|LEASE_LOST)/.test(text)) console.log(`${times} x ${text}`);
    else problems.push(`${times} x ${text}`);
  }
  if (failed > MOST_FAILED * requests) problems.push(`${failed} of ${requests} requests failed`);
  return problems;
}
