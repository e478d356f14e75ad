/**
 * From what was counted to the report.
 *
 * @module
 */

import { rateStatus } from "../../policy/status.ts";
import type { Policy } from "../../policy/policy.ts";
import type { LogReader } from "../input/log_reader.ts";
import type { KeySource } from "../replay/key_source.ts";
import type { Plan } from "../replay/plan.ts";
import type { Replay } from "../replay/replay.ts";
import type { ReplayRules } from "../replay/rules.ts";
import type { KeyTally, LimiterTally } from "../tally/limiter_tally.ts";
import type { Counts, Series } from "../tally/series.ts";
import type { HourReport, KeyReport, LimiterReport, LimitReport, PathReport, Report, ReportCounts } from "./report.ts";

/** What a report is made of. */
export interface Findings {
  /** How lines were read. */
  readonly plan: Plan;
  /** The limiters. */
  readonly rules: readonly ReplayRules[];
  /** What was decided. */
  readonly replay: Replay;
  /** The logs. */
  readonly readers: readonly LogReader[];
  /** What has to be said. */
  readonly warnings: readonly string[];
  /** How many keys and paths are named. */
  readonly top: number;
}

/** Makes the report. */
export function buildReport({ plan, rules, replay, readers, warnings, top }: Findings): Report {
  const isCompared = rules.some(({ change }) => change !== undefined);
  const limiters = rules.map((rule, i) => {
    const source = plan.sources[plan.sourceOf(i)] as KeySource;
    return limiterReport(rule, replay.tallies[i] as LimiterTally, source, plan, top);
  });
  const sum = (numberOf: (reader: LogReader) => number) =>
    readers.reduce((total, reader) => total + numberOf(reader), 0);
  const { requests, denied } = replay.total;
  return {
    requests,
    denied,
    keys: plan.sources.reduce((total, { names }) => total + names.size, 0),
    ...(isCompared ? changes(replay.total) : {}),
    from: iso(Math.min(...readers.map(({ firstUs }) => firstUs))),
    to: iso(Math.max(...readers.map(({ lastUs }) => lastUs))),
    lines: sum((reader) => reader.lines),
    unparsed: sum((reader) => reader.unparsed),
    filtered: plan.filtered,
    withoutKey: replay.withoutKey,
    warnings: [...warnings, ...shortcomings(limiters)],
    limiters,
    hours: hoursOf(replay.hours, isCompared),
    files: readers.map(({ name, format, lines, unparsed, firstUs, lastUs }) => {
      return { file: name, format, lines, unparsed, from: iso(firstUs), to: iso(lastUs) };
    }),
    samples: readers.flatMap(({ samples }) => samples).slice(0, 10),
  };
}

/** Limiters that found nothing to check: that they deny nothing says nothing. */
function shortcomings(limiters: readonly LimiterReport[]): string[] {
  return limiters.flatMap(({ limiter, requests, withoutKey, keyedBy }) => {
    if (requests === 0 && withoutKey === 0) {
      return [`limiter "${limiter}" checked no request: no path or method matches`];
    }
    if (withoutKey === 0) return [];
    const all = requests === 0 ? "any request" : `${withoutKey} of ${requests + withoutKey} requests`;
    return [`limiter "${limiter}" did not check ${all}: there is no ${keyedBy}`];
  });
}

function limiterReport(
  { limiter, policy, oldPolicy, change }: ReplayRules,
  tally: LimiterTally,
  source: KeySource,
  { paths }: Plan,
  top: number,
): LimiterReport {
  const isCompared = change !== undefined;
  const { requests, denied } = tally.total;
  const keys = [...tally.keys.values()];
  const denials = keys.filter((key) => key.denied > 0);
  return {
    limiter,
    requests,
    denied,
    ...(isCompared ? changes(tally.total) : {}),
    keyedBy: source.text,
    ...(isCompared ? { change } : {}),
    limits: limitsOf(policy),
    ...(isCompared ? { oldLimits: limitsOf(oldPolicy) } : {}),
    units: tally.units,
    tooLarge: tally.tooLarge,
    withoutKey: tally.withoutKey,
    keys: tally.keyRequests.used,
    keysDenied: denials.length,
    firstDenied: isoOrNull(denials.reduce((least, { firstUs }) => Math.min(least, firstUs), Infinity)),
    lastDenied: isoOrNull(denials.reduce((most, { lastUs }) => Math.max(most, lastUs), -Infinity)),
    longestMs: keys.reduce((most, { longestUs }) => Math.max(most, longestUs), 0) / 1_000,
    topKeys: topKeys(tally, source, isCompared, top),
    topPaths: topPaths(tally, paths.names, isCompared, top),
    hours: hoursOf(tally.hours, isCompared),
  };
}

function topKeys(tally: LimiterTally, source: KeySource, isCompared: boolean, top: number): KeyReport[] {
  return best([...tally.keys], top, ([, one]) => rank(one)).map(([number, one]: [number, KeyTally]) => ({
    key: source.keyOf(number) ?? "(all)",
    requests: tally.keyRequests.of(number),
    denied: one.denied,
    ...(isCompared ? changes(one) : {}),
    firstDenied: isoOrNull(one.firstUs),
    lastDenied: isoOrNull(one.lastUs),
    longestMs: one.longestUs / 1_000,
  }));
}

function topPaths(
  { pathRequests, pathDenied, pathNewlyDenied, pathNewlyAllowed }: LimiterTally,
  names: Plan["paths"]["names"],
  isCompared: boolean,
  top: number,
): PathReport[] {
  const all = Array.from({ length: names.size }, (_, number) => {
    const [newlyDenied, newlyAllowed] = [pathNewlyDenied.of(number), pathNewlyAllowed.of(number)];
    return { number, requests: pathRequests.of(number), denied: pathDenied.of(number), newlyDenied, newlyAllowed };
  });
  const touched = all.filter(({ denied, newlyAllowed }) => denied > 0 || newlyAllowed > 0);
  return best(touched, top, rank).map((one) => ({
    path: names.textOf(one.number),
    requests: one.requests,
    denied: one.denied,
    ...(isCompared ? changes(one) : {}),
  }));
}

/** Changes count first, then denials. */
function rank({ denied, newlyDenied, newlyAllowed }: Omit<Counts, "requests">): readonly [number, number] {
  return [newlyDenied + newlyAllowed, denied];
}

/** The highest ones; of equals, the first. */
function best<Item>(items: readonly Item[], top: number, rankOf: (item: Item) => readonly [number, number]): Item[] {
  const ranked = items.map((item) => ({ item, by: rankOf(item) }));
  ranked.sort((a, b) => b.by[0] - a.by[0] || b.by[1] - a.by[1]);
  return ranked.slice(0, top).map(({ item }) => item);
}

function hoursOf({ buckets }: Series, isCompared: boolean): HourReport[] {
  return buckets.map((bucket) => ({
    hour: iso(bucket.fromUs),
    requests: bucket.requests,
    denied: bucket.denied,
    ...(isCompared ? changes(bucket) : {}),
  }));
}

function changes({ newlyDenied, newlyAllowed }: Omit<Counts, "requests" | "denied">): Pick<
  Required<ReportCounts>,
  "newlyDenied" | "newlyAllowed"
> {
  return { newlyDenied, newlyAllowed };
}

function limitsOf(policy: Policy | undefined): LimitReport[] {
  return (policy?.rates ?? []).map((rate) => {
    const { algorithm, limit, windowMs = 0 } = rateStatus("", rate, [0, 0]);
    return { algorithm, limit, windowMs };
  });
}

function iso(us: number): string {
  return new Date(us / 1_000).toISOString();
}

function isoOrNull(us: number): string | null {
  return Number.isFinite(us) ? iso(us) : null;
}
