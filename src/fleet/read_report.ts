/**
 * Reads reports of processes. Anything may stand in one: other versions post there, and so can any program that reaches the store.
 *
 * @module
 */

import { type Histogram, LAST_BUCKET } from "../registry/reports/histogram.ts";
import {
  MAX_LIMITERS,
  type ProcessReport,
  REPORT_FORMAT,
  type ReportedDenials,
  type ReportedKey,
  type ReportedLimiter,
  type ReportedStore,
} from "../registry/reports/report.ts";

/** The longest texts of each kind; what is longer is cut. */
const MAX_NAME = 200;
const MAX_RULES = 1_000;

/** The most reasons of denials, keys, and numbers of a histogram that are read. */
const MAX_REASONS = 16;
const MAX_KEYS = 10;
const MAX_NUMBERS = 600;

/** What a text in JSON may hold. */
type Json = Readonly<Record<string, unknown>>;

/** The report in a text; undefined where there is none that this version can read. */
export function readReport(text: string): ProcessReport | undefined {
  try {
    const json: unknown = JSON.parse(text);
    return isObject(json) && json["format"] === REPORT_FORMAT ? reportOf(json) : undefined;
  } catch {
    return undefined;
  }
}

function reportOf(json: Json): ProcessReport {
  return {
    format: REPORT_FORMAT,
    label: name(json["label"]),
    version: name(json["version"]),
    runtime: name(json["runtime"]),
    startedMs: number(json["startedMs"]),
    number: number(json["number"]),
    countedMs: number(json["countedMs"]),
    store: storeOf(object(json["store"])),
    limiters: list(json["limiters"], MAX_LIMITERS).map((limiter) => limiterOf(object(limiter))),
    leftOut: number(json["leftOut"]),
  };
}

function storeOf(json: Json): ReportedStore {
  return {
    state: name(json["state"]),
    error: name(json["error"]),
    outages: number(json["outages"]),
    queued: number(json["queued"]),
    calls: number(json["calls"]),
    latency: histogram(json["latency"]),
  };
}

function limiterOf(json: Json): ReportedLimiter {
  const denied = Object.entries(object(json["denied"])).slice(0, MAX_REASONS);
  return {
    id: text(json["id"], 1_024),
    rules: text(json["rules"], MAX_RULES),
    hash: name(json["hash"]),
    allowed: number(json["allowed"]),
    denied: Object.fromEntries(denied.map(([reason, count]) => [name(reason), number(count)])),
    deniedBy: list(json["deniedBy"], MAX_KEYS).map(denialsOf),
    degraded: number(json["degraded"]),
    waiting: number(json["waiting"]),
    permits: number(json["permits"]),
    waits: histogram(json["waits"]),
    topRequests: list(json["topRequests"], MAX_KEYS).map(keyOf),
    topDenials: list(json["topDenials"], MAX_KEYS).map(keyOf),
  };
}

function denialsOf(json: unknown): ReportedDenials {
  const { rule, keyClass, count } = object(json);
  return { rule: name(rule), keyClass: name(keyClass), count: number(count) };
}

function keyOf(json: unknown): ReportedKey {
  const { key, count } = object(json);
  return { key: name(key), count: number(count) };
}

function histogram(value: unknown): Histogram {
  const numbers = list(value, MAX_NUMBERS).map((each, i) => i % 2 === 0 ? bucket(each) : number(each));
  return numbers.length % 2 === 0 ? numbers : numbers.slice(0, -1);
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function object(value: unknown): Json {
  if (!isObject(value)) throw new TypeError("no object");
  return value;
}

function list(value: unknown, most: number): readonly unknown[] {
  if (!Array.isArray(value)) throw new TypeError("no list");
  return value.slice(0, most);
}

/** A count or a time: nothing else is a number here. */
function number(value: unknown): number {
  if (typeof value !== "number" || !(value >= 0 && value <= Number.MAX_SAFE_INTEGER)) throw new TypeError("no number");
  return value;
}

function bucket(value: unknown): number {
  if (!(Number.isInteger(value) && number(value) <= LAST_BUCKET)) throw new TypeError("no bucket");
  return value as number;
}

function name(value: unknown): string {
  return text(value, MAX_NAME);
}

function text(value: unknown, most: number): string {
  if (typeof value !== "string") throw new TypeError("no text");
  return value.slice(0, most);
}
