/**
 * Takes and gives back permits of one key where nothing else counts: what `transaction.ts` does, without looking around.
 *
 * @module
 */

import { shortKey } from "../../base/short_key.ts";
import type { LocalLease, TakeReply, Target, TargetLevel } from "../store.ts";
import { freshEntry } from "./entry_table.ts";
import type { StateTable } from "./state_table.ts";
import { type Lease, PermitLedger } from "./permit_ledger.ts";

/** What becomes of permits that are known to their holder alone. */
export interface LeaseHost {
  /** The ledger of a key, if there is one. */
  ledgerOf(target: Target): PermitLedger | undefined;
  /** Permits have fallen free for which others wait. */
  freed(target: Target): void;
  /** The time. */
  nowUs(): number;
}

/** Permits that were taken: a reply, a lease and its place in the ledger, all in one. */
class LocalPermits implements TakeReply, LocalLease, Lease {
  readonly nowUs: number;
  readonly fence: number;
  readonly permits: number;
  readonly ttlUs: number;
  at: number;
  place: number;
  readonly #used: number;
  readonly #freeInUs: number;
  readonly #ledger: PermitLedger;
  readonly #host: LeaseHost;

  constructor(host: LeaseHost, ledger: PermitLedger, { permits, policy }: Target, nowUs: number, used: number) {
    const at = nowUs + policy.leaseTtlUs;
    this.nowUs = nowUs;
    this.fence = ledger.nextFence(nowUs);
    this.permits = permits;
    this.ttlUs = policy.leaseTtlUs;
    this.at = at;
    this.place = -1;
    this.#used = used;
    this.#freeInUs = used === permits ? policy.leaseTtlUs : Math.min(ledger.freeIn(nowUs), policy.leaseTtlUs);
    this.#ledger = ledger;
    this.#host = host;
    ledger.enter(this);
  }

  get status(): "allowed" {
    return "allowed";
  }

  get waitUs(): 0 {
    return 0;
  }

  get arrivalUs(): 0 {
    return 0;
  }

  get id(): undefined {
    return undefined;
  }

  get lease(): LocalLease {
    return this;
  }

  get levels(): readonly TargetLevel[] {
    return [{ rates: [], permits: { used: this.#used, freeInUs: this.#freeInUs, fence: this.fence } }];
  }

  release(target: Target): void {
    if (this.#ledger.leave(this) && this.#ledger.waiting > 0) this.#host.freed(target);
  }

  renew(target: Target): boolean {
    const { leaseTtlUs, maxConcurrent } = target.policy;
    if (this.#host.ledgerOf(target) !== this.#ledger) return false; // the key was forgotten
    return this.#ledger.extend(this, this.#host.nowUs(), leaseTtlUs, maxConcurrent);
  }
}

/** Takes if the limiter has permits alone, some are free, and no call waits; else undefined, and nothing is taken. */
export function takePermits(
  table: StateTable,
  target: Target,
  host: LeaseHost,
  nowUs: number,
): TakeReply | undefined {
  const { limiter, policy, permits } = target;
  const { maxConcurrent } = policy;
  if (maxConcurrent === 0 || policy.rates.length > 0) return undefined;
  const keys = table.keysOf(limiter, policy, nowUs);
  const key = shortKey(target.key);
  const known = keys.entryOf(key);
  if (known === undefined ? keys.has(key) : known.policy !== policy || known.blockedUs > nowUs) return undefined;
  const ledger = known?.ledger ?? new PermitLedger();
  if (ledger.waiting > 0) return undefined;
  const used = ledger.live(nowUs) + permits;
  if (used > maxConcurrent) return undefined;

  if (known === undefined) table.makeRoom(keys, nowUs);
  const taken = new LocalPermits(host, ledger, target, nowUs, used);
  if (known?.ledger === undefined) {
    const entry = known ?? freshEntry(policy);
    entry.ledger = ledger;
    keys.write(key, entry);
  }
  return taken;
}
