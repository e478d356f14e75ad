/**
 * A fleet: several processes of this runtime that use one limiter at once.
 *
 * @module
 */

import assert from "node:assert/strict";

import type { LimiterOptions } from "../../mod.ts";
import type { Entry } from "../_support/auditor/history.ts";
import { auditTogether } from "../_support/auditor/recorder.ts";
import { startWorker, type Worker } from "../_support/processes.ts";
import type { JobResult, SentHistory } from "./_member.ts";

/** What the processes of a fleet share. */
export interface Shared {
  /** Where Redis is: it keeps the limits, and the counters of the tests. */
  readonly url: string;
  /** Where NATS is, if that keeps the limits. */
  readonly natsUrl?: string;
  /** Where PostgreSQL is, if that keeps the limits. */
  readonly postgres?: { readonly url: string; readonly schema: string };
  /** What every key begins with. */
  readonly prefix: string;
  /** The limiters by id. */
  readonly limiters: Readonly<Record<string, LimiterOptions>>;
}

/** What a process of {@linkcode Fleet.run} reports. */
export interface Report extends JobResult {
  /** What was thrown, and unhandled rejections. */
  readonly errors: readonly string[];
  /** What the store did for it. */
  readonly history: SentHistory;
}

/** Processes of one worker that do one job after the other, all at the same time. Disposing it kills them. */
export class Fleet implements AsyncDisposable {
  readonly #workers: readonly Worker[];

  private constructor(workers: readonly Worker[]) {
    this.#workers = workers;
  }

  /** Starts `size` processes of the worker `name` (see `serveJobs()`), and waits until they are ready. */
  static async start(name: string, size: number): Promise<Fleet> {
    const workers = Array.from({ length: size }, () => startWorker(`races/${name}`));
    for (const worker of workers) assert.equal(await worker.readLine(), "ready");
    return new Fleet(workers);
  }

  /** Lets all of them do a job, and returns what they report. What the store did for them together keeps the laws. */
  async run(shared: Shared, work: object): Promise<Report[]> {
    const job = JSON.stringify({ ...shared, ...work, size: this.#workers.length });
    for (const worker of this.#workers) worker.writeLine(job);
    const lines = await Promise.all(this.#workers.map((worker) => worker.readLine()));
    const reports = lines.map((line) => JSON.parse(line) as Report);
    for (const report of reports) assert.deepEqual(report.errors, []);
    holdToLaws(reports);
    return reports;
  }

  /** Asserts that each of them ends by itself, without an error, when there is nothing more to do. It may `report`. */
  async end(report?: RegExp): Promise<void> {
    for (const worker of this.#workers) worker.endInput();
    for (const worker of this.#workers) {
      const { code, stderr: told } = await worker.exited;
      const stderr = told.split("\n").filter((line) => !report?.test(line)).join("\n");
      assert.deepEqual({ code, stderr }, { code: 0, stderr: "" }, "a process did not end by itself");
    }
  }

  /** Kills those that still run. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const worker of this.#workers) await worker[Symbol.asyncDispose]();
  }
}

/** Starts one process of the worker `name`. */
export function startFleetWorker(name: string, shared: Shared, work: object = {}): Worker {
  return startWorker(`races/${name}`, [JSON.stringify({ ...shared, ...work })]);
}

/** Asserts that what the store did for some processes together keeps the laws. */
export function holdToLaws(reports: readonly Report[]): void {
  assert.deepEqual(auditTogether(reports.map(({ history }) => entriesOf(history))), []);
}

function entriesOf({ policies, entries }: SentHistory): Entry[] {
  return JSON.parse(
    entries,
    (name, value: unknown) => name === "policy" ? policies[value as number] : value,
  ) as Entry[];
}

/** All of one field of some reports. */
export function total(reports: readonly Report[], field: "allowed"): number {
  return reports.reduce((sum, report) => sum + report[field], 0);
}
