/**
 * Load: many calls, and what becomes of them.
 *
 * @module
 */

import type { Limiter } from "../../limiter/limiter.ts";
import type { Bench } from "./bench.ts";

/** A limiter, or one for a key. */
type Tryable = Pick<Limiter, "tryAcquire">;

/** How many calls of `tryAcquire`, all made at once, are allowed. */
export async function admitted(limiters: readonly Tryable[], calls: number): Promise<number> {
  const decisions = await Promise.all(
    Array.from({ length: calls }, (_, i) => (limiters[i % limiters.length] as Tryable).tryAcquire()),
  );
  return decisions.filter((decision) => decision.allowed).length;
}

/** Acquires from each limiter again and again; tells when each call was served, in milliseconds from now. */
export async function saturate(bench: Bench, limiters: readonly Limiter[], durationMs: number): Promise<number[]> {
  const startUs = bench.clock.nowUs();
  const servedMs: number[] = [];
  await bench.clock.runUntil(Promise.all(limiters.map(async (limiter) => {
    for (;;) {
      await limiter.acquire({ timeoutMs: Infinity });
      const atMs = (bench.clock.nowUs() - startUs) / 1_000;
      if (atMs >= durationMs) return;
      servedMs.push(atMs);
    }
  })));
  return servedMs;
}

/** Runs tasks of 10 ms under a limiter, all at once. Returns the most that ran at the same time. */
export async function mostAtOnce(bench: Bench, limiter: Limiter, tasks: number): Promise<number> {
  let [active, most] = [0, 0];
  const task = () =>
    limiter.run(async () => {
      most = Math.max(most, ++active);
      await bench.sleep(10);
      active--;
    }, { timeoutMs: Infinity });
  await bench.clock.runUntil(Promise.all(Array.from({ length: tasks }, task)));
  return most;
}
