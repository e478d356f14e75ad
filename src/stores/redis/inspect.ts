/**
 * A close look at Redis: its servers, the registers of limiters, and some keys. It changes nothing, and it asks by scripts,
 * like all that the store does.
 *
 * @module
 */

import { systemClock } from "../../base/clock.ts";
import { withTimeout } from "../../base/deadline.ts";
import type { NamedPolicy } from "../../policy/policy.ts";
import type { ServerFacts, StoreInspection } from "../inspection.ts";
import { checkKey } from "./check.ts";
import type { RedisConnection } from "./connections/connection.ts";
import { hashSlot } from "./hash_slot.ts";
import { factsOf } from "./inspect_server.ts";
import { sampleKeys } from "./inspect_keys.ts";
import { readRules } from "./inspect_rules.ts";
import type { InspectedServer } from "./inspected_server.ts";
import type { KeyNames } from "./keys.ts";
import { check, texts } from "./scripts.gen.ts";

/** How long each part may take, in milliseconds. */
const TIMEOUT_MS = 2_500;

/** How many round trips are timed, in all. */
const ROUND_TRIPS = 20;

/** How many keys are tried to find one in a slot of a node. */
const MAX_TRIES = 100_000;

/**
 * Looks at all servers of a connection. Never rejects, and takes three seconds at most.
 *
 * @param connection The store's connection.
 * @param names Names the keys of the store.
 * @param limiters The limiters whose registers are read.
 */
export async function inspectRedis(
  connection: RedisConnection,
  names: KeyNames,
  limiters: readonly NamedPolicy[],
): Promise<StoreInspection> {
  const unknown: string[] = [];
  const attempt = async <Result>(what: string, act: () => Promise<Result>): Promise<Result | undefined> => {
    try {
      return await withTimeout(act(), TIMEOUT_MS, () => new Error(`no answer within ${TIMEOUT_MS} ms`));
    } catch (error) {
      unknown.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
  };
  const servers = await attempt("the servers", () => serversOf(connection, names.common)) ?? [];
  const clocks = await Promise.all(servers.map((server) => attempt("the clock", () => clockOf(server))));
  const [roundTrips, facts, rules, keys] = await Promise.all([
    Promise.all(servers.map((server) => attempt("the latency", () => time(server, servers.length)))),
    Promise.all(servers.map((server) => attempt("the state of a server", () => factsAt(server)))),
    attempt("the rules in use", () => readRules(connection, names, limiters)),
    attempt("the keys", () => sampleKeys(servers, names, limiters)),
  ]);
  const later = await Promise.all(servers.map((server) => attempt("the clock", () => clockOf(server))));
  const moved = clocks.flatMap((before, i) => {
    const after = later[i];
    return before === undefined || after === undefined ? [] : [after - before];
  });
  return {
    roundTripsMs: roundTrips.flatMap((times) => times ?? []),
    clockMovedMs: moved.length === 0 ? undefined : moved.reduce((a, b) => Math.abs(b) > Math.abs(a) ? b : a),
    servers: facts.filter((found) => found !== undefined),
    rules: rules ?? [],
    keys,
    unknown,
  };
}

async function serversOf({ cluster, ...connection }: RedisConnection, common: string): Promise<InspectedServer[]> {
  const key = checkKey(common);
  if (cluster === undefined) {
    await connection.connect();
    return [{ url: connection.url, key, run: connection.run.bind(connection) }];
  }
  return (await cluster.nodes()).map((node) => {
    let own = key;
    for (let i = 0; i < MAX_TRIES && !node.has(hashSlot(own)); i++) own = `${key}:${i}`;
    return { url: node.url, key: own, run: node.run.bind(node) };
  });
}

async function factsAt(server: InspectedServer): Promise<ServerFacts> {
  const [, , info] = await server.run(check, [server.key], []) as readonly unknown[];
  return factsOf(server.url, String(info));
}

/** By how much the server's clock is ahead of this process', in milliseconds. */
async function clockOf(server: InspectedServer): Promise<number> {
  const sentUs = systemClock.nowUs();
  const [seconds, us] = await server.run(check, [server.key], []) as readonly unknown[];
  const nowUs = systemClock.nowUs();
  return (Number(seconds) * 1e6 + Number(us) - (sentUs + nowUs) / 2) / 1_000;
}

async function time({ run, key }: InspectedServer, servers: number): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < ROUND_TRIPS / servers; i++) {
    const startUs = systemClock.nowUs();
    await run(texts, [key], ["1"]);
    times.push((systemClock.nowUs() - startUs) / 1_000);
  }
  return times;
}
