/**
 * Requests that a guard allows or denies by their method or by its lists, whatever their limits say.
 *
 * @module
 */

import { parseAddress } from "../base/network.ts";
import type { NetworkSet } from "./client_address.ts";
import type { LimitCheck } from "./limit_checks.ts";
import type { GuardedRequest } from "./request.ts";

/** A list of clients, compiled. */
export interface CompiledList {
  /** Networks. */
  readonly networks: NetworkSet | undefined;
  /** Keys. */
  readonly keys: ReadonlySet<string>;
}

/** What exempts requests from their limits. */
export interface Exemptions {
  /** Whether there is a function `skip`. */
  readonly skips: boolean;
  /** Whether CORS preflights are not limited. */
  readonly skipPreflights: boolean;
  /** Clients that are not limited. */
  readonly allow: CompiledList;
  /** Clients that are denied. */
  readonly block: CompiledList;
}

/** Whether a browser asks what other origins may do, before it sends the request itself. */
export function isPreflight<Raw>({ method, header }: GuardedRequest<Raw>): boolean {
  return method.toUpperCase() === "OPTIONS" && header("access-control-request-method") !== undefined;
}

/** Whether a list has the client's network. */
export function isFrom<Raw>({ networks }: CompiledList, request: GuardedRequest<Raw>): boolean {
  const address = networks && request.address && parseAddress(request.address);
  return address ? (networks as NetworkSet).has(address) : false;
}

/** Whether a list has one of the keys. */
export function isNamed<Raw>({ keys }: CompiledList, checks: readonly LimitCheck<Raw>[]): boolean {
  return keys.size > 0 && checks.some(({ key }) => key !== undefined && keys.has(key));
}
