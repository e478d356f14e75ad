/**
 * An `acquire` of permits whose call to the store is on its way: with no more than it takes while some are free.
 *
 * @module
 */

import { steadyUs } from "../base/clock.ts";
import type { TakeReply, TakeRequest } from "../stores/store.ts";
import type { Conclusion } from "./resilience/guarded_call.ts";
import type { Party } from "./party.ts";
import type { Permit } from "./result/permit.ts";
import type { StoreSession } from "./store_session.ts";
import type { Taken } from "./take_options.ts";
import { abandon, waitForSlot } from "./take_permits.ts";

/** What becomes of a call for permits. */
export interface PermitOutcome {
  /** Makes the permit, or throws where the last reply is a denial. */
  taken(taken: Taken): Permit;
  /** Decides where the store could not. */
  failed(error: unknown): Promise<Permit>;
}

/** A call for permits of one limiter. */
export class PermitCall implements Conclusion<Permit> {
  readonly #party: Party;
  readonly #request: TakeRequest;
  readonly #startUs: number;
  readonly #outcome: PermitOutcome;

  constructor(party: Party, request: TakeRequest, startUs: number, outcome: PermitOutcome) {
    this.#party = party;
    this.#request = request;
    this.#startUs = startUs;
    this.#outcome = outcome;
  }

  reply(client: StoreSession, request: TakeRequest, reply: TakeReply): Permit | Promise<Permit> {
    if (reply.status === "queued") return this.#wait(client, reply);
    client.room.forget(request.id);
    return this.#taken(client, reply, false);
  }

  failure(client: StoreSession, error: unknown): Promise<Permit> {
    client.room.forget(this.#request.id);
    return this.#outcome.failed(error);
  }

  lost(client: StoreSession, request: TakeRequest, error: unknown): void {
    abandon(client, request, error);
  }

  async #wait(client: StoreSession, first: TakeReply): Promise<Permit> {
    let reply: TakeReply;
    let wasQueued = false;
    const queued = () => {
      wasQueued = true;
      this.#party.metrics.queued();
    };
    try {
      reply = await waitForSlot(client, this.#request, first, { signal: undefined, queued }, this.#startUs);
    } catch (error) {
      return await this.failure(client, error);
    }
    client.room.forget(this.#request.id);
    return this.#taken(client, reply, wasQueued);
  }

  #taken(client: StoreSession, reply: TakeReply, wasQueued: boolean): Permit {
    const waitedMs = (steadyUs(client.clock) - this.#startUs) / 1_000;
    return this.#outcome.taken({ reply, id: this.#request.id, waitedMs, wasQueued });
  }
}
