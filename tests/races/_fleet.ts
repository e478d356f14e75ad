/**
 * A fleet: several processes of this runtime that use one limiter at once.
 *
 * @module
 */

import assert from "node:assert/strict";

import type { LimiterOptions } from "../../mod.ts";
import { startWorker, type Worker } from "../_support/processes.ts";

/** What the processes of a fleet share. */
export interface Shared {
  /** Where Redis is. */
  readonly url: string;
  /** What every key begins with. */
  readonly prefix: string;
  /** The limiters by id. */
  readonly limiters: Readonly<Record<string, LimiterOptions>>;
}

/** What a process of {@linkcode runFleet} reports. */
export interface Report {
  /** Calls that were allowed. */
  readonly allowed: number;
  /** Calls that were denied, by reason. */
  readonly denied: Readonly<Record<string, number>>;
  /** The most holders at once that this process saw, by a counter of its own in Redis. */
  readonly mostInside: number;
  /** What was thrown, and unhandled rejections. */
  readonly errors: readonly string[];
}

/** Starts `size` processes of the worker `name`, lets them go at the same time, and returns what they report. */
export async function runFleet(name: string, size: number, shared: Shared, work: object): Promise<Report[]> {
  const workers = Array.from({ length: size }, () => startFleetWorker(name, shared, { ...work, size }));
  try {
    for (const worker of workers) assert.equal(await worker.readLine(), "ready");
    const reports = await Promise.all(workers.map(async (worker) => JSON.parse(await worker.readLine()) as Report));
    for (const report of reports) assert.deepEqual(report.errors, []);
    for (const worker of workers) {
      const { code, stderr } = await worker.exited;
      assert.deepEqual({ code, stderr }, { code: 0, stderr: "" }, "a process did not end by itself");
    }
    return reports;
  } finally {
    for (const worker of workers) await worker[Symbol.asyncDispose]();
  }
}

/** Starts one process of the worker `name`. */
export function startFleetWorker(name: string, shared: Shared, work: object = {}): Worker {
  return startWorker(`races/${name}`, [JSON.stringify({ ...shared, ...work })]);
}

/** All of one field of some reports. */
export function total(reports: readonly Report[], field: "allowed"): number {
  return reports.reduce((sum, report) => sum + report[field], 0);
}
