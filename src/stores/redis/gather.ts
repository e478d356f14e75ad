/**
 * Takes of a batch that are alike: they stand in runs under one header, and those on one key are one entry with a count.
 *
 * @module
 */

import type { Policy } from "../../policy/policy.ts";
import type { TakeRequest, Target } from "../store.ts";
import type { NamedRequest } from "./named_request.ts";

/** What the takes of a run have in common. */
export interface RunHeader {
  /** The rules. */
  readonly policy: Policy;
  /** When to decide. */
  readonly mode: TakeRequest["mode"];
  /** The longest acceptable wait, in microseconds. */
  readonly maxWaitUs: number;
  /** Units of one take. */
  readonly cost: number;
  /** How many takes may be one entry. */
  readonly maxTimes: number;
}

/** Alike takes from one key, as one entry of the script's reply. */
export interface RunEntry {
  /** Where the first of them stands in the batch. */
  readonly index: number;
  /** Where the others do, if there are any. */
  more: number[] | undefined;
  /** How many that are, or what the one request asks for. */
  times: number;
  /** The number of its run. */
  readonly run: number;
  /** Whether the request itself has a count. */
  readonly asked: boolean;
}

/** Whether a request belongs under a header. */
export function isAlike(header: RunHeader, { mode, maxWaitUs }: TakeRequest, { policy, cost }: Target): boolean {
  return header.policy === policy && header.cost === cost && header.mode === mode && header.maxWaitUs === maxWaitUs;
}

/** Entries under one header, in the order of the reply. */
export interface GatheredRun<Header> {
  /** What they have in common. */
  readonly header: Header;
  /** One for each key. */
  readonly entries: RunEntry[];
  /** Whether the script must be told how often to take each. */
  counted: boolean;
}

/**
 * Sorts requests into runs. Requests on different keys may change places; on one key all that are unlike stay in their
 * order, each in a later run than the one before.
 */
export function gather<Header extends RunHeader>(
  batch: readonly NamedRequest[],
  headerOf: (request: TakeRequest, target: Target) => Header,
): GatheredRun<Header>[] {
  const runs: GatheredRun<Header>[] = [];
  const newest = new Map<Header, number>();
  const lasts = new Map<string, RunEntry>();
  let header: Header | undefined;
  let run = -1;
  for (let index = 0; index < batch.length; index++) {
    const { request, keys } = batch[index] as { request: TakeRequest; keys: readonly string[] };
    const target = request.targets[0] as Target;
    if (header === undefined || !isAlike(header, request, target)) {
      header = headerOf(request, target);
      run = newest.get(header) ?? -1;
    }
    const key = keys[0] as string;
    const asked = request.times !== undefined;
    const last = lasts.get(key);
    if (last !== undefined) {
      const before = runs[last.run] as GatheredRun<Header>;
      if (before.header === header && !asked && !last.asked && last.times < header.maxTimes) {
        if (last.more === undefined) last.more = [index];
        else last.more.push(index);
        last.times++;
        before.counted ||= header.mode !== "peek";
        continue;
      }
    }
    if (run < 0 || (last !== undefined && run <= last.run)) {
      run = runs.push({ header, entries: [], counted: false }) - 1;
      newest.set(header, run);
    }
    const entry: RunEntry = { index, more: undefined, times: request.times ?? 1, run, asked };
    const current = runs[run] as GatheredRun<Header>;
    current.entries.push(entry);
    current.counted ||= asked;
    lasts.set(key, entry);
  }
  return runs;
}

/** Whether the script must be told how often to take. */
export function isCounted({ times, asked }: RunEntry): boolean {
  return asked || times > 1;
}
