/**
 * The first look at a cluster: which nodes there are, and what is wrong where none tells.
 *
 * @module
 */

import { withTimeout } from "../../../../base/deadline.ts";
import { StoreError } from "../../../../base/errors.ts";
import type { CommandClient, openClient } from "../single/client.ts";
import { readEpoch, readSlots, type SlotRange } from "./layout.ts";
import { callTimeoutError, openError, reasonOfFirst } from "../errors.ts";
import type { ConnectionSettings } from "../settings/settings.ts";
import type { Endpoint } from "../settings/url.ts";

/** Where the connections to nodes come from. */
export interface ClusterDriver {
  /** The nodes to ask for the others, while none is known; known themselves within `timeoutMs`. */
  seeds(timeoutMs: number): Promise<readonly Endpoint[]>;
  /** Opens a client for calls to the node of an address. */
  opener(address: string): typeof openClient;
  /** Opens a client for subscriptions there. */
  listener(address: string): typeof openClient;
}

/**
 * Asks a node which nodes have which slots, and how new what it knows is.
 *
 * @param redis A client of the node.
 * @param host The node's host.
 * @returns The slots, and the node's epoch from before it told them; an infinite one if it may not tell.
 */
export async function askNode(
  redis: CommandClient,
  host: string,
): Promise<{ readonly epoch: number; readonly ranges: SlotRange[] }> {
  const asked = redis.sendCommand<unknown>(["CLUSTER", "INFO"]).then(readEpoch, () => Infinity);
  const reply = await redis.sendCommand<unknown>(["CLUSTER", "SLOTS"]);
  return { epoch: await asked, ranges: readSlots(reply, host) };
}

/**
 * Asks a node which nodes have which slots, through a connection of its own. With `background`, the process may
 * end meanwhile.
 *
 * @throws {StoreError} If it cannot be reached, refuses, or is no node of a cluster.
 */
export async function askSeed(
  seed: Endpoint,
  driver: ClusterDriver,
  { tls, socketConnectTimeoutMs, socketTimeoutMs }: ConnectionSettings,
  signal: AbortSignal,
  background: boolean,
): Promise<SlotRange[]> {
  const open = driver.opener(`${seed.host}:${seed.port}`);
  const client = await open(seed, { tls, timeoutMs: socketConnectTimeoutMs, signal, background, onLost: () => {} });
  try {
    const reply = await withTimeout(
      client.redis.sendCommand<unknown>(["CLUSTER", "SLOTS"]),
      socketTimeoutMs,
      () => callTimeoutError(seed, socketTimeoutMs),
    );
    return readSlots(reply, seed.host);
  } catch (cause) {
    if (cause instanceof StoreError) throw cause;
    if (cause instanceof Error && /cluster support disabled/i.test(cause.message)) {
      const message = `Cannot use Redis at ${seed.label} as a cluster: it is a single server`;
      const advice = `this will not heal by itself: give url = "${seed.label}" in place of cluster`;
      throw new StoreError("STORE_REFUSED", `${message}; ${advice}`, { cause, reason: "not_cluster" });
    }
    throw openError(seed, client.failure(cause));
  } finally {
    client.close();
  }
}

/** The error that says most: of a node that answered, if any did. */
export function noneTells(errors: readonly unknown[], endpoint: Endpoint): unknown {
  const refused = errors.find((error) => error instanceof StoreError && error.code === "STORE_REFUSED");
  if (refused !== undefined) return refused;
  const reasons = errors.map((error) => error instanceof Error ? error.message : String(error));
  return new StoreError(
    "STORE_UNAVAILABLE",
    `Cannot reach any node of ${endpoint.label}: ${[...new Set(reasons)].join("; ")}`,
    { cause: errors[0], reason: reasonOfFirst(errors) },
  );
}

/** The cluster was found, and none of the nodes that it names. */
export function unreachable(reason: unknown, { endpoint }: ConnectionSettings): unknown {
  if (!(reason instanceof StoreError)) return reason;
  return new StoreError(
    reason.code,
    `${reason.message}. ${endpoint.label} says that its nodes are there: if they are elsewhere from here, set ` +
      "cluster-announce-ip on the nodes, or clusterNodeAddresses",
    { cause: reason, reason: reason.reason },
  );
}

/** No node has a slot. */
export function uncovered(slot: number, { label }: Endpoint): StoreError {
  return new StoreError(
    "STORE_UNAVAILABLE",
    `Cannot reach a node of ${label} for slot ${slot}: no node serves it; see CLUSTER INFO and CLUSTER NODES`,
  );
}
