/**
 * A fleet as lines of text.
 *
 * @module
 */

import type { Fleet, FleetKey, FleetLimiter, FleetStore } from "../../fleet/fleet.ts";
import type { Paint } from "../output/paint.ts";
import { type Column, table } from "../output/table.ts";
import { printable } from "../output/text.ts";

/** What is shown of a fleet, and how. */
export interface ViewOptions {
  /** The only limiter to show; undefined for all. */
  readonly limiter: string | undefined;
  /** Colours text. */
  readonly paint: Paint;
  /** How many characters a line may have. */
  readonly columns: number;
  /** How many lines there may be. */
  readonly rows: number;
}

const NUMBER = { side: "right" } as const;

/** A column of the table of limiters. */
interface LimiterColumn extends Column {
  /** How wide a page must be to have it. */
  readonly from: number;
  /** What stands in it. */
  cell(limiter: FleetLimiter, paint: Paint): string;
}

const LIMITER_COLUMNS: readonly LimiterColumn[] = [
  { title: "LIMITER", from: 0, cell: nameOf },
  { title: "CALLS/S", ...NUMBER, from: 0, cell: ({ perSecond }) => rate(perSecond) },
  { title: "ALLOWED/S", ...NUMBER, from: 60, cell: ({ allowedPerSecond }) => rate(allowedPerSecond) },
  { title: "DENIED/S", ...NUMBER, from: 0, cell: deniedOf },
  { title: "REASONS", from: 0, cell: reasonsOf },
  { title: "WAITING", ...NUMBER, from: 60, cell: ({ waiting }) => String(waiting) },
  { title: "PERMITS", ...NUMBER, from: 75, cell: ({ permits }) => String(permits) },
  { title: "WAIT P50", ...NUMBER, from: 100, cell: ({ waitP50Ms }) => ms(waitP50Ms) },
  { title: "P99", ...NUMBER, from: 100, cell: ({ waitP99Ms }) => ms(waitP99Ms) },
  { title: "PROCESSES", ...NUMBER, from: 90, cell: ({ processes }) => String(processes) },
];

/** How many keys are shown of all limiters together, and of one. */
const KEYS = 8;
const DENIALS = 4;
const KEYS_OF_ONE = 20;

/** Lines that the head, titles and empty lines take. */
const AROUND = 6;

/** The lines of a fleet, as many as there is room for. */
export function viewOf(fleet: Fleet, options: ViewOptions): string[] {
  const { limiter, paint, rows } = options;
  const limiters = fleet.limiters.filter(({ id }) => limiter === undefined || id === limiter);
  const parts = [fleet.stores.map((store) => storeLine(store, paint))];
  const differing = limiters.filter(({ rules }) => rules.length > 1);
  const keys = keyTable(limiters, options);
  const fixed = fleet.stores.length + differing.length * 3 + AROUND;
  // Limiters come first: keys get what room they leave.
  const room = Math.max(rows - fixed, 1);
  const shown = limiters.slice(0, room);
  if (shown.length > 0) parts.push(limiterTable(shown, options, limiters.length - shown.length));
  if (differing.length > 0) parts.push(rulesLines(differing, paint));
  const denials = denialTable(limiters, options);
  const roomForDenials = rows - parts.reduce((sum, lines) => sum + lines.length + 1, 0);
  if (denials.length > 1 && roomForDenials > 2) parts.push(denials.slice(0, roomForDenials));
  const left = rows - parts.reduce((sum, lines) => sum + lines.length + 1, 0);
  if (keys.length > 1 && left > 2) parts.push(keys.slice(0, left));
  return parts.flatMap((lines, i) => i === 0 ? lines : ["", ...lines]).slice(0, rows);
}

/** When it was read, and how much there is. */
export function headOf({ atMs, stores, limiters }: Fleet, { paint }: Pick<ViewOptions, "paint">): string {
  const processes = stores.reduce((sum, store) => sum + store.processes.length, 0);
  const calls = limiters.reduce((sum, { perSecond }) => sum + perSecond, 0);
  const time = new Date(atMs).toTimeString().slice(0, 8);
  return `${paint("bold", "ratesync top")}  ${time}  ${countOf(processes)}, ${rate(calls)} calls/s`;
}

function countOf(processes: number): string {
  return `${processes} process${processes === 1 ? "" : "es"}`;
}

function storeLine(store: FleetStore, paint: Paint): string {
  const { id, engine, problem, processes, p50Ms, p99Ms, unreadable } = store;
  const name = `store ${printable(id)} (${printable(engine)})`;
  if (problem !== undefined) return `${name}: ${paint("red", printable(problem))}`;
  if (processes.length === 0 && engine === "memory") {
    return `${name}: in the memory of each process, not to be seen here`;
  }
  const latency = p50Ms === undefined ? "" : `, calls take p50 ${ms(p50Ms)}, p99 ${ms(p99Ms)}`;
  const count = processes.length === 0 ? "no process has made a call lately" : countOf(processes.length) + latency;
  const troubled = processes.filter(({ state }) => state !== "up");
  const trouble = troubled.map(({ label, state, error }) => {
    return paint("red", `${printable(label)}: ${printable(state)}${error === "" ? "" : ` (${printable(error)})`}`);
  });
  const unread = unreadable === 0 ? [] : [paint("yellow", `${unreadable} reports cannot be read`)];
  return [`${name}: ${count}`, ...trouble, ...unread].join(", ");
}

function limiterTable(limiters: readonly FleetLimiter[], { paint, columns }: ViewOptions, leftOut: number): string[] {
  const shown = LIMITER_COLUMNS.filter(({ from }) => columns >= from);
  const rows = limiters.map((limiter) => shown.map(({ cell }) => cell(limiter, paint)));
  const lines = table(shown, rows, { paint, columns }).split("\n");
  return leftOut > 0 ? [...lines, paint("dim", `and ${leftOut} more`)] : lines;
}

/** The limiter; marked where processes have different rules for it. */
function nameOf({ id, rules }: FleetLimiter, paint: Paint): string {
  return rules.length > 1 ? paint("yellow", `${printable(id)} !`) : printable(id);
}

function deniedOf({ deniedPerSecond }: FleetLimiter, paint: Paint): string {
  const denied = Object.values(deniedPerSecond).reduce((sum, count) => sum + count, 0);
  return denied > 0 ? paint("red", rate(denied)) : rate(0);
}

function reasonsOf({ deniedPerSecond, degradedPerSecond }: FleetLimiter): string {
  const sorted = Object.entries(deniedPerSecond).sort(([, a], [, b]) => b - a);
  const words = sorted.map(([reason, count]) => `${printable(reason)} ${rate(count)}`);
  if (degradedPerSecond > 0) words.push(`degraded ${rate(degradedPerSecond)}`);
  return words.join(", ");
}

function rulesLines(limiters: readonly FleetLimiter[], paint: Paint): string[] {
  const lines = limiters.flatMap(({ id, rules }) => {
    const hasSameWords = new Set(rules.map((each) => each.rules)).size === 1;
    return rules.map(({ rules: words, hash, processes }, i) => {
      const name = i === 0 ? printable(id) : " ".repeat(printable(id).length);
      const who = processes.slice(0, 4).map(printable).join(", ") +
        (processes.length > 4 ? ` +${processes.length - 4}` : "");
      return `${name}  ${printable(words)}${hasSameWords ? ` (other options, ${printable(hash)})` : ""}: ${who}`;
    });
  });
  return [paint("yellow", "! Rules that differ between processes"), ...lines];
}

/** What denied calls: limits and classes of keys. */
function denialTable(limiters: readonly FleetLimiter[], { paint, columns, limiter }: ViewOptions): string[] {
  const rows = limiters.flatMap(({ id, deniedBy }) => deniedBy.map((denials) => ({ id, ...denials })))
    .sort((a, b) => b.perSecond - a.perSecond).slice(0, limiter === undefined ? DENIALS : KEYS_OF_ONE);
  if (rows.length === 0) return [];
  const titles = [{ title: "LIMITER" }, { title: "DENIED BY" }, { title: "CLASS OF KEY" }, {
    title: "DENIED/S",
    ...NUMBER,
  }];
  const cells = rows.map(({ id, rule, keyClass, perSecond }) => {
    return [printable(id), printable(rule), printable(keyClass), rate(perSecond)];
  });
  return table(titles, cells, { paint, columns }).split("\n");
}

function keyTable(limiters: readonly FleetLimiter[], { paint, columns, limiter }: ViewOptions): string[] {
  const rows = limiters.flatMap(({ id, topRequests, topDenials }) => {
    const denials = new Map(topDenials.map(({ key, count }) => [key, count]));
    const requests = new Map(topRequests.map(({ key, count }) => [key, count]));
    return [...new Set([...topDenials, ...topRequests].map(({ key }: FleetKey) => key))].map((key) => {
      return { id, key, requests: requests.get(key), denials: denials.get(key) };
    });
  });
  const sorted = rows.sort((a, b) => {
    return (b.denials ?? 0) - (a.denials ?? 0) || (b.requests ?? 0) - (a.requests ?? 0);
  }).slice(0, limiter === undefined ? KEYS : KEYS_OF_ONE);
  if (sorted.length === 0) return [];
  const titles = [{ title: "KEY" }, { title: "CALLS", ...NUMBER }, { title: "DENIED", ...NUMBER }];
  const cells = sorted.map(({ id, key, requests, denials }) => [
    ...limiter === undefined ? [printable(id)] : [],
    key === "" ? "(no key)" : printable(key),
    requests === undefined ? "-" : String(requests),
    denials === undefined ? "-" : String(denials),
  ]);
  return table(limiter === undefined ? [{ title: "LIMITER" }, ...titles] : titles, cells, { paint, columns }).split(
    "\n",
  );
}

/** A rate per second. */
function rate(perSecond: number): string {
  if (perSecond >= 1e6) return `${(perSecond / 1e6).toFixed(1)}M`;
  if (perSecond >= 1e4) return `${(perSecond / 1e3).toFixed(1)}k`;
  return perSecond >= 10 || perSecond === 0 ? perSecond.toFixed(0) : perSecond.toFixed(1);
}

/** A time. */
function ms(time: number | undefined): string {
  if (time === undefined) return "-";
  if (time >= 10_000) return `${(time / 1_000).toFixed(0)} s`;
  return time >= 10 ? `${time.toFixed(0)} ms` : `${time.toFixed(1)} ms`;
}
