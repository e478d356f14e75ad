/**
 * Requests that a guard knows by their method or by its lists, whatever their limits say.
 *
 * @module
 */

import { parseAddress } from "../base/network.ts";
import type { LimitCheck } from "./limit_checks.ts";
import type { NetworkSet } from "./client_address.ts";
import type { CompiledList } from "./compile_guard.ts";
import type { GuardedRequest } from "./request.ts";

/** Whether a browser checks what other origins may do, before it sends the request itself. */
export function isPreflight<Raw>({ method, header }: GuardedRequest<Raw>): boolean {
  return method.toUpperCase() === "OPTIONS" && header("access-control-request-method") !== undefined;
}

/** Whether a list knows the client's network. */
export function isFrom<Raw>({ networks }: CompiledList, request: GuardedRequest<Raw>): boolean {
  const address = networks && request.address && parseAddress(request.address);
  return address ? (networks as NetworkSet).has(address) : false;
}

/** Whether a list knows one of the keys. */
export function isNamed<Raw>({ keys }: CompiledList, checks: readonly LimitCheck<Raw>[]): boolean {
  return keys.size > 0 && checks.some(({ about: { key } }) => key !== undefined && keys.has(key));
}
