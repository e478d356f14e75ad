/**
 * What tests of replays share: logs in memory, and one line in each format.
 *
 * @module
 */

import type { LogSource } from "../../src/simulate/input/source.ts";
import { simulate, type SimulateOptions, type Simulation } from "../../src/simulate/simulate.ts";
import type { Report } from "../../src/simulate/report/report.ts";

const encoder = new TextEncoder();

/** A log in memory, in pieces of some bytes: lines and characters are cut anywhere. */
export function logOf(text: string | Uint8Array, name = "access.log", pieceBytes = 1_000): LogSource {
  const bytes = typeof text === "string" ? encoder.encode(text) : text;
  async function* pieces(): AsyncIterable<Uint8Array> {
    for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
  }
  return { name, size: bytes.length, bytes: pieces() };
}

/** A request of a log. */
export interface Request {
  /** In milliseconds since the Unix epoch. */
  readonly atMs: number;
  readonly address: string;
  readonly user?: string;
  readonly method?: string;
  readonly target?: string;
  readonly cost?: number;
}

/** A line of each format that has the same request. */
export const LINES: Readonly<Record<string, (request: Request) => string>> = {
  combined: (it) => `${common(it)} "-" "curl/8.8.0"`,
  common,
  json: ({ atMs, address, user, method = "GET", target = "/", cost = 1 }) =>
    JSON.stringify({ time: atMs / 1_000, remote_addr: address, user, method, request_uri: target, status: 200, cost }),
  csv: ({ atMs, address, user = "", method = "GET", target = "/", cost = 1 }) =>
    `${new Date(atMs).toISOString()},${address},${user},${method},"${target}",${cost}`,
  alb: ({ atMs, address, method = "GET", target = "/", cost = 1 }) =>
    `h2 ${
      new Date(atMs).toISOString()
    } app/lb/50dc6c495c0c9188 ${address}:2817 10.0.0.1:80 0.000 0.001 0.000 200 200 34 ` +
    `${cost} "${method} https://www.example.com:443${target} HTTP/2.0" "curl/8.8.0" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 ` +
    `arn:aws:elasticloadbalancing:us-east-2:1:targetgroup/t/73e2d6bc24d8a067 "Root=1-58337281-1d84f3d73c47ec4e58577259" ` +
    `"www.example.com" "arn:aws:acm:us-east-2:1:certificate/1" 1 ${new Date(atMs).toISOString()} "forward" "-" "-" ` +
    `"10.0.0.1:80" "200" "-" "-" TID_123456`,
};

/** What stands above the lines of a format. */
export const HEADERS: Readonly<Record<string, string>> = { csv: "time,ip,user,method,path,cost\n" };

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

function common({ atMs, address, user = "-", method = "GET", target = "/", cost = 1 }: Request): string {
  const [year, month, day, ...time] = new Date(atMs).toISOString().split(/[-T:.]/);
  const stamp = `${day}/${MONTHS[Number(month) - 1]}/${year}:${time.slice(0, 3).join(":")} +0000`;
  return `${address} - ${user} [${stamp}] "${method} ${target} HTTP/1.1" 200 ${cost}`;
}

/** A log of requests. */
export function textOf(format: string, requests: readonly Request[]): string {
  const line = LINES[format] as (request: Request) => string;
  return (HEADERS[format] ?? "") + requests.map((request) => `${line(request)}\n`).join("");
}

/** When logs of tests begin. */
export const START_MS = 1_772_431_200_000;

/** Five in a minute, for each key. */
export const FIVE: SimulateOptions["limiters"] = { api: { algorithm: "fixed_window", limit: 5, windowMs: 60_000 } };

/** Replays a text. */
export async function replay(
  text: string | Uint8Array,
  options: Partial<SimulateOptions> = {},
): Promise<Report> {
  return (await replayAll(text, options)).report;
}

/** Replays a text, with the counts for plots. */
export function replayAll(text: string | Uint8Array, options: Partial<SimulateOptions> = {}): Promise<Simulation> {
  return simulate({ sources: [logOf(text)], limiters: FIVE, ...options });
}
