/**
 * `GET /health`: whether every store can decide now.
 *
 * @module
 */

import type { RateSync } from "../registry/rate_sync.ts";
import type { StoreCheck } from "../stores/check.ts";

/** How a store is. */
export interface StoreHealthJSON extends Pick<StoreCheck, "ok" | "engine" | "latencyMs" | "problems" | "advice"> {
  /** `up`, `impaired` or `down`, as this process has met it. */
  readonly state: string;
}

/** How the server is. */
export interface HealthJSON {
  /** `ok`: every store can decide. `failing`: one cannot, and failure policies decide. `closing`: no new decisions. */
  readonly status: "ok" | "failing" | "closing";
  /** Each store; only for clients with the token. */
  readonly stores?: Readonly<Record<string, StoreHealthJSON>>;
  /** How many permits and reservations are held for clients. */
  readonly held?: number;
}

/** Checks the stores. Clients that ask at the same time share one check. */
export class Health {
  readonly #rs: RateSync;
  #check: Promise<Readonly<Record<string, StoreHealthJSON>>> | undefined;

  constructor(rs: RateSync) {
    this.#rs = rs;
  }

  /** Checks every store. */
  async stores(): Promise<Readonly<Record<string, StoreHealthJSON>>> {
    const check = this.#check ??= this.#look();
    try {
      return await check;
    } finally {
      if (this.#check === check) this.#check = undefined;
    }
  }

  async #look(): Promise<Readonly<Record<string, StoreHealthJSON>>> {
    const listing = this.#rs.listStores();
    const looks = Object.entries(listing).map(async ([id, { state }]) => {
      const { ok, engine, latencyMs, problems, advice } = await this.#rs.check(id);
      return [id, { ok: ok && state !== "down", state, engine, latencyMs, problems, advice }] as const;
    });
    return Object.fromEntries(await Promise.all(looks));
  }
}
