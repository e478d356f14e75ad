/**
 * What Sentinels say of the primary. Each may be wrong: one that is cut off from the others still names the old primary.
 *
 * @module
 */

import { startTimer, withTimeout } from "../../../../base/deadline.ts";
import { RateSyncError, StoreError } from "../../../../base/errors.ts";
import { openClient, type OpenClientOptions } from "../single/client.ts";
import { refusalReason } from "../../refusal.ts";
import { openTimeoutError, reasonOfFirst } from "../errors.ts";
import type { Endpoint } from "../settings/url.ts";

/** Where the primary is, by one Sentinel. */
export interface Claim {
  /** The host. */
  readonly host: string;
  /** The port. */
  readonly port: number;
  /** How new what it knows is: each failover has a higher number. -1 if it does not tell. */
  readonly epoch: number;
  /** Who says so. */
  readonly sentinel: Endpoint;
}

/** How long the others may take once one Sentinel has answered, in milliseconds. */
const OTHERS_MS = 250;
/** How long the rest may take once more than half agree, in milliseconds: one of them may know of a newer primary. */
const REST_MS = 25;

/**
 * Asks all Sentinels at once, and does not wait long for those that are slower than the others.
 *
 * @param sentinels Who is asked.
 * @param masterName What they call the primary.
 * @param endpoint What messages call all of it.
 * @param options How long it may take.
 * @returns One claim for each address, the most credible first: of the newest epoch, then of the most Sentinels.
 * @throws {StoreError} If none answers, or none knows the primary.
 */
export async function askSentinels(
  sentinels: readonly Endpoint[],
  masterName: string,
  endpoint: Endpoint,
  options: OpenClientOptions,
): Promise<readonly Claim[]> {
  const end = new AbortController();
  const abort = () => end.abort(options.signal.reason);
  options.signal.addEventListener("abort", abort, { once: true });
  const claims: Claim[] = [];
  const errors: unknown[] = [];
  try {
    options.signal.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      end.signal.addEventListener("abort", () => reject(end.signal.reason), { once: true });
      startTimer(options.timeoutMs, resolve);
      const heard = () => {
        if (claims.length + errors.length === sentinels.length) return resolve();
        if (claims.length === 1) startTimer(OTHERS_MS, resolve);
        const [first] = rank(claims);
        if (first !== undefined && votes(claims, first) > sentinels.length / 2) startTimer(REST_MS, resolve);
      };
      for (const sentinel of sentinels) {
        askSentinel(sentinel, masterName, { ...options, signal: end.signal }).then(
          (claim) => claims.push(claim),
          (error) => errors.push(error),
        ).then(heard);
      }
    });
  } finally {
    options.signal.removeEventListener("abort", abort);
    end.abort(new Error("the others answered"));
  }
  if (claims.length > 0) return rank(claims);
  throw errors.length > 0 ? noneKnows(errors, endpoint) : openTimeoutError(endpoint, false, options.timeoutMs);
}

function rank(claims: readonly Claim[]): Claim[] {
  const best = claims.toSorted((a, b) => b.epoch - a.epoch || votes(claims, b) - votes(claims, a));
  return best.filter((claim, i) => best.findIndex((other) => isSame(other, claim)) === i);
}

function votes(claims: readonly Claim[], claim: Claim): number {
  return claims.filter((other) => isSame(other, claim)).length;
}

function isSame(a: Claim, b: Claim): boolean {
  return a.host === b.host && a.port === b.port;
}

/** Asks one Sentinel, through a connection of its own. */
export async function askSentinel(
  sentinel: Endpoint,
  masterName: string,
  options: OpenClientOptions,
): Promise<Claim> {
  const client = await openClient(sentinel, { ...options, onLost: () => {} });
  const send = <T>(...args: string[]) =>
    withTimeout(
      client.redis.sendCommand<T>(["SENTINEL", ...args]),
      options.timeoutMs,
      () => openTimeoutError(sentinel, true, options.timeoutMs),
    );
  try {
    const asked = send<[string, string] | null>("GET-MASTER-ADDR-BY-NAME", masterName);
    // Whose user may not ask for it counts as not knowing; so does one that says what is no number.
    const told = await send<unknown>("MASTER", masterName).then(
      (master) => Number(fieldOf(master, "config-epoch")),
      () => NaN,
    );
    const found = await asked;
    if (found !== null) {
      return { host: found[0], port: Number(found[1]), epoch: Number.isFinite(told) ? told : -1, sentinel };
    }
    const known = await send<unknown[]>("MASTERS").then((all) => all.map(nameIn).join(", "), () => "");
    throw new StoreError(
      "STORE_REFUSED",
      `Cannot find the primary ${JSON.stringify(masterName)}: the Sentinel at ${sentinel.label} knows ` +
        `${known === "" ? "none" : `only ${known}`}; this will not heal by itself: check masterName (master_name)`,
      { reason: "primary_unknown" },
    );
  } catch (cause) {
    if (RateSyncError.is(cause)) throw cause;
    const text = cause instanceof Error ? cause.message : String(cause);
    if (/unknown command/i.test(text)) {
      throw new StoreError(
        "STORE_REFUSED",
        `Cannot ask ${sentinel.label} for the primary: it is a Redis server, not a Sentinel; this will not heal ` +
          "by itself: give its address as the url, or the Sentinels' port, which is 26379 as a rule",
        { cause, reason: "not_sentinel" },
      );
    }
    const isReply = client.failure(cause).isReply;
    throw new StoreError(
      isReply ? "STORE_REFUSED" : "STORE_UNAVAILABLE",
      `Cannot ask the Sentinel at ${sentinel.label} for the primary: ${text}`,
      { cause, reason: refusalReason(text) ?? "disconnected" },
    );
  } finally {
    client.close();
  }
}

/** The error that says most: of one that answered, if any did. */
function noneKnows(errors: readonly unknown[], endpoint: Endpoint): unknown {
  const refused = errors.find((error) => error instanceof StoreError && error.code === "STORE_REFUSED");
  if (refused !== undefined) return refused;
  const reasons = errors.map((error) => error instanceof Error ? error.message : String(error));
  return new StoreError(
    "STORE_UNAVAILABLE",
    `Cannot reach any Sentinel of ${endpoint.label}: ${[...new Set(reasons)].join("; ")}`,
    { cause: errors[0], reason: reasonOfFirst(errors) },
  );
}

function nameIn(master: unknown): string {
  return JSON.stringify(fieldOf(master, "name"));
}

/** A field of what `SENTINEL MASTER` tells: a map, or a list of names and values. */
function fieldOf(master: unknown, name: string): unknown {
  return Array.isArray(master) ? master[master.indexOf(name) + 1] : (master as Record<string, unknown>)[name];
}
