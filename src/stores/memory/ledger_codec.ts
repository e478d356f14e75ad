/**
 * Who holds the permits of a key and who waits for one, as bytes.
 *
 * @module
 */

import type { ByteReader, ByteWriter } from "../../base/bytes.ts";
import { type LeaseFacts, PermitLedger } from "./permit_ledger.ts";
import type { Waiter } from "./wait_queue.ts";

/** Writes a ledger. Each instance, with which ids begin, is written once. */
export function writeLedger(ledger: PermitLedger, out: ByteWriter): void {
  const { leases, waiters, lastFence, latestUs } = ledger.facts;
  const places = new Map<string, number>();
  for (const { id } of [...leases, ...waiters]) {
    const instance = instanceOf(id);
    if (!places.has(instance)) places.set(instance, places.size);
  }
  const writeId = (id: string) => {
    const instance = instanceOf(id);
    out.count(places.get(instance) as number);
    out.text(id.slice(instance.length));
  };

  out.count(latestUs);
  out.signed(lastFence - latestUs);
  out.count(places.size);
  for (const instance of places.keys()) out.text(instance);
  out.count(leases.length);
  let beforeUs = latestUs;
  let lastTtlUs = 0;
  for (const { id, permits, at, ttlUs } of leases) {
    writeId(id);
    out.count(permits);
    out.signed(at - beforeUs);
    out.signed(ttlUs - lastTtlUs);
    beforeUs = at;
    lastTtlUs = ttlUs;
  }
  out.count(waiters.length);
  beforeUs = latestUs;
  for (const { id, arrivalUs, isKept } of waiters) {
    writeId(id);
    out.signed(arrivalUs - beforeUs);
    out.byte(isKept ? 1 : 0);
    beforeUs = arrivalUs;
  }
}

/** What `writeLedger` has written. */
export function readLedger(from: ByteReader): PermitLedger {
  const latestUs = from.count();
  const lastFence = latestUs + from.signed();
  const instances: string[] = [];
  for (let left = from.count(); left > 0; left--) instances.push(from.text());
  const readId = () => {
    const instance = instances[from.count()];
    if (instance === undefined) throw new RangeError("Cannot read an id: it is of no instance");
    return instance + from.text();
  };

  const leases: LeaseFacts[] = [];
  let atUs = latestUs;
  let ttlUs = 0;
  for (let left = from.count(); left > 0; left--) {
    const id = readId();
    const permits = from.count();
    leases.push({ id, permits, at: atUs += from.signed(), ttlUs: ttlUs += from.signed() });
  }
  const waiters: Waiter[] = [];
  atUs = latestUs;
  for (let left = from.count(); left > 0; left--) {
    const id = readId();
    waiters.push({ id, arrivalUs: atUs += from.signed(), isKept: from.byte() === 1 });
  }
  return PermitLedger.of({ leases, waiters, lastFence, latestUs });
}

/** The process of an id: what stands in front of its first dot. */
function instanceOf(id: string): string {
  const end = id.indexOf(".");
  return end < 0 ? id : id.slice(0, end);
}
