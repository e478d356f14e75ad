/**
 * What the processes of `npm run soak:nats` do, and tell.
 *
 * @module
 */

import { type ChildProcess, fork } from "node:child_process";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";

/** What a process does. */
export interface Load {
  /** The server. */
  readonly url: string;
  /** How many requests it makes in a second. */
  readonly perSecond: number;
  /** Where its random numbers begin. */
  readonly seed: number;
  /** For how long, in milliseconds. */
  readonly ms: number;
  /** Where it writes what it was allowed: a `UnitsFile`. */
  readonly file: string;
}

/** A process in between. */
export interface Sample {
  readonly kind: "sample";
  /** What is left in its heap after a collection. */
  readonly heapMb: number;
  /** The keys that it holds. */
  readonly keys: number;
}

/** What came of a load. */
export interface LoadResult {
  readonly kind: "result";
  readonly requests: number;
  /** Requests that had an answer or an error. */
  readonly answered: number;
  /** Permits that were held and given back. */
  readonly permits: number;
  /** The keys that units were taken of, by their places in the file. */
  readonly keys: readonly string[];
  /** What failed, by code and message without its numbers, and how often. */
  readonly errors: Readonly<Record<string, number>>;
}

/** A process that is under way. */
export interface Runner {
  readonly child: ChildProcess;
  /** The last sample that it has sent. */
  readonly sample: Sample | undefined;
  /** What came of it; undefined if it was killed. */
  readonly result: Promise<LoadResult | undefined>;
}

/** Starts a process. */
export function startRunner(load: Load): Runner {
  const file = fileURLToPath(new URL(`./worker${extname(import.meta.url)}`, import.meta.url));
  const child = fork(file, [JSON.stringify(load)], { execArgv: ["--expose-gc"] });
  let sample: Sample | undefined;
  let result: LoadResult | undefined;
  child.on("message", (message: Sample | LoadResult) => {
    if (message.kind === "sample") sample = message;
    else result = message;
  });
  return {
    child,
    get sample() {
      return sample;
    },
    result: new Promise((resolve) => child.once("exit", () => resolve(result))),
  };
}
