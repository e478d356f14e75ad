/**
 * What nodes of a cluster tell: which node has which slots, and where else to go with a command.
 *
 * @module
 */

import { StoreError } from "../../../../base/errors.ts";

/** A run of slots, and the primary that has them. */
export interface SlotRange {
  /** The first slot. */
  readonly from: number;
  /** The last slot. */
  readonly to: number;
  /** The primary: `host:port`. */
  readonly address: string;
}

/** What to do with a command that a node has not run. */
export type Redirect =
  /** The slot has another node now. */
  | { readonly kind: "moved"; readonly slot: number; readonly address: string }
  /** The slot is being moved to another node, which may have this key already. */
  | { readonly kind: "ask"; readonly address: string }
  /** The cluster cannot tell yet. */
  | { readonly kind: "later" };

const MOVED = /^(MOVED|ASK) (\d+) (\S+)/;
const LATER = /^(?:TRYAGAIN|CLUSTERDOWN|LOADING|MASTERDOWN) /;

/**
 * Reads the reply to `CLUSTER SLOTS`.
 *
 * @param reply The reply.
 * @param askedHost The host that was asked: some nodes leave out their own.
 */
export function readSlots(reply: unknown, askedHost: string): SlotRange[] {
  return (reply as [number, number, [string | null, number]][]).map(([from, to, [host, port]]) => ({
    from: Number(from),
    to: Number(to),
    address: address(host ?? "", String(port), askedHost),
  }));
}

/**
 * Reads from the reply to `CLUSTER INFO` how new what the node knows is: it grows with each change of a slot's owner.
 *
 * @param reply The reply.
 * @returns The node's current epoch; an infinite one where it is not told.
 */
export function readEpoch(reply: unknown): number {
  return Number(/^cluster_current_epoch:(\d+)/m.exec(String(reply))?.[1] ?? Infinity);
}

/**
 * What an error says about where to go.
 *
 * @param error What a call rejected with.
 * @param askedHost The host that was asked.
 * @returns `undefined` if it is no redirection: the command has run, or may have, or never will.
 */
export function readRedirect(error: unknown, askedHost: string): Redirect | undefined {
  if (!(error instanceof StoreError) || error.code !== "STORE_REFUSED") return undefined;
  const message = error.cause instanceof Error ? error.cause.message : "";
  const [, kind, slot, place = ""] = MOVED.exec(message) ?? [];
  if (kind === undefined) return LATER.test(message) ? { kind: "later" } : undefined;
  const colon = place.lastIndexOf(":");
  const to = address(place.slice(0, colon), place.slice(colon + 1), askedHost);
  return kind === "ASK" ? { kind: "ask", address: to } : { kind: "moved", slot: Number(slot), address: to };
}

/** Whether a call was not run because this user may not touch a key that it declares. */
export function isForbidden(error: unknown): boolean {
  const cause = error instanceof StoreError && error.code === "STORE_REFUSED" ? error.cause : undefined;
  return cause instanceof Error && /^NOPERM (?!ACL failure in script)/.test(cause.message);
}

/** Host and port of an address. */
export function splitAddress(text: string): [host: string, port: number] {
  const colon = text.lastIndexOf(":");
  return [text.slice(0, colon).replace(/^\[(.*)\]$/, "$1"), Number(text.slice(colon + 1))];
}

function address(host: string, port: string, askedHost: string): string {
  return `${host === "" || host === "?" ? askedHost : host}:${port}`;
}
