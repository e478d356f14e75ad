/**
 * Processes that make calls, as far as a store can tell them apart: instances with connections of their own.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";

import { createRateSync, type LimiterOptions, type RateSync, type StoreConfig } from "../../mod.ts";
import type { Fleet } from "../../src/fleet/fleet.ts";
import type { FleetReader } from "../../src/fleet/fleet_reader.ts";

/** How often they call, in milliseconds. */
const EVERY_MS = 50;

const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

/** An instance on a store `s`. It writes nothing. */
export function instance<Limiters extends Readonly<Record<string, LimiterOptions>>>(
  store: StoreConfig,
  limiters: Limiters,
): RateSync<Extract<keyof Limiters, string>> {
  // On a busy machine a decision takes longer than it may by default.
  const patient = store.engine === "memory" ? store : { decisionTimeoutMs: 20_000, ...store };
  return createRateSync({ logger: SILENT, stores: { s: patient }, limiters }) as RateSync<
    Extract<keyof Limiters, string>
  >;
}

/** A process that calls its limiter `api`, for two keys in turn, until it is disposed. */
export function callingProcess(
  store: StoreConfig,
  api: LimiterOptions,
  more: Readonly<Record<string, LimiterOptions>> = {},
): AsyncDisposable & { readonly rs: RateSync } {
  const rs = instance(store, { api, ...more }) as RateSync;
  let calls = 0;
  const timer = setInterval(() => {
    rs.tryAcquire("api", { key: calls++ % 3 === 0 ? "rare" : "often" }).catch(() => {});
  }, EVERY_MS);
  return {
    rs,
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await rs.close();
    },
  };
}

/** Reads a fleet until what is wanted of it is there. */
export async function readUntil(reader: FleetReader, holds: (fleet: Fleet) => unknown, ms = 15_000): Promise<Fleet> {
  let latest: Fleet | undefined;
  for (const end = Date.now() + ms; Date.now() < end; await sleep(250)) {
    latest = await reader.read();
    if (holds(latest)) return latest;
  }
  throw new Error(`Cannot wait any longer for ${holds}: ${JSON.stringify(latest)}`);
}
