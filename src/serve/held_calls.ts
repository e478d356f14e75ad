/**
 * `/v1/settle`, `/v1/release` and `/v1/renew`: what clients say about what is held for them.
 *
 * @module
 */

import type { Charge } from "../limiter/corrections.ts";
import { readFields } from "./fields.ts";
import type { HeldItems } from "./held.ts";

const ID = { kind: "text", most: 128, needed: true } as const;

/** Settles a reservation with the units that were used. */
export async function settle(value: unknown, at: string, { held }: { readonly held: HeldItems }): Promise<Charge> {
  const cost = { kind: "whole", least: 0, most: Number.MAX_SAFE_INTEGER, needed: true } as const;
  const fields = readFields(value, { id: ID, cost }, at);
  return await held.takeReservation(fields.id).settle(fields.cost);
}

/** Releases a permit, or cancels a reservation. Doing so again does nothing. */
export async function release(
  value: unknown,
  at: string,
  { held }: { readonly held: HeldItems },
): Promise<{ readonly released: boolean }> {
  return { released: await held.release(readFields(value, { id: ID }, at).id) };
}

/** Lets a permit or a reservation live on. */
export function renew(
  value: unknown,
  at: string,
  { held }: { readonly held: HeldItems },
): Promise<{ readonly ttlMs: number }> {
  return Promise.resolve({ ttlMs: held.renew(readFields(value, { id: ID }, at).id) });
}
