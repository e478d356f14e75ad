/**
 * A close look at Redis: its servers, the registers of limiters, and some keys. It changes nothing, and it asks by scripts,
 * like all that the store does.
 *
 * @module
 */

import type { NamedPolicy } from "../../policy/policy.ts";
import type { DownServers, ServerFacts, StoreInspection } from "../inspection.ts";
import { clockAheadMs, Look, timeRoundTrips } from "../look.ts";
import { checkKey } from "./check.ts";
import type { RedisConnection } from "./connections/connection.ts";
import { hashSlot } from "./hash_slot.ts";
import { factsOf } from "./inspect_server.ts";
import { sampleKeys } from "./inspect_keys.ts";
import { failedNodes } from "./inspect_nodes.ts";
import { readRules } from "./inspect_rules.ts";
import type { InspectedServer } from "./inspected_server.ts";
import type { KeyNames } from "./keys.ts";
import { check, texts } from "./scripts.gen.ts";

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
  const look = new Look();
  const clockOf = ({ run, key }: InspectedServer) =>
    look.attempt("the clock", () => clockAheadMs(() => readUs(run, key)));
  const servers = await look.attempt("the servers", () => serversOf(connection, names.common)) ?? [];
  const clocks = await Promise.all(servers.map(clockOf));
  const [roundTrips, facts, down, rules, keys] = await Promise.all([
    Promise.all(
      servers.map((server) =>
        look.attempt("the latency", () => timeRoundTrips(() => server.run(texts, [server.key], ["1"]), servers.length))
      ),
    ),
    Promise.all(servers.map((server) => look.attempt("the state of a server", () => factsAt(server)))),
    look.attempt("the servers that have failed", () => downOf(connection, servers)),
    look.attempt("the rules in use", () => readRules(connection, names, limiters)),
    look.attempt("the keys", () => sampleKeys(servers, names, limiters)),
  ]);
  const later = await Promise.all(servers.map(clockOf));
  const moved = clocks.flatMap((before, i) => {
    const after = later[i];
    return before === undefined || after === undefined ? [] : [after - before];
  });
  return {
    roundTripsMs: roundTrips.flatMap((times) => times ?? []),
    clockMovedMs: moved.length === 0 ? undefined : moved.reduce((a, b) => Math.abs(b) > Math.abs(a) ? b : a),
    servers: facts.filter((found) => found !== undefined),
    down: down === undefined ? [] : [down],
    rules: rules ?? [],
    keys,
    unknown: look.unknown,
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

async function downOf(
  { cluster, silentSentinels }: RedisConnection,
  [first]: readonly InspectedServer[],
): Promise<DownServers | undefined> {
  return cluster === undefined || first === undefined ? await silentSentinels?.() : await failedNodes(first);
}

async function factsAt(server: InspectedServer): Promise<ServerFacts> {
  const [, , info] = await server.run(check, [server.key], []) as readonly unknown[];
  return factsOf(server.url, String(info));
}

async function readUs(run: InspectedServer["run"], key: string): Promise<number> {
  const [seconds, us] = await run(check, [key], []) as readonly unknown[];
  return Number(seconds) * 1e6 + Number(us);
}
