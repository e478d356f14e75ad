/**
 * Entries of keys as bytes, for stores that keep them elsewhere and decide by the same code as the memory store. Entries
 * that decide alike are the same bytes, on every machine.
 *
 * @module
 */

import { codecOf, type RateState } from "../../algorithms/kernels.ts";
import { ByteReader, ByteWriter } from "../../base/bytes.ts";
import { StoreError } from "../../base/errors.ts";
import type { Policy } from "../../policy/policy.ts";
import type { Entry, Section } from "./entry.ts";
import { readLedger, writeLedger } from "./ledger_codec.ts";

/** The first byte: the version of the form. Others are of other versions of this package. */
const FORM = 1;

/** Bits of the second byte. */
const IS_BLOCKED = 1;
const HAS_LEDGER = 2;
const HAS_OTHERS = 4;
const MOST = 7;

/**
 * Writes an entry.
 *
 * @param entry The entry. Permits without an id are left out: only a store inside the process gives those.
 * @param refOf The number that stands for rules, a whole number from 0; the caller keeps which rules it stands for.
 */
export function encodeEntry(entry: Entry, refOf: (policy: Policy) => number): Uint8Array {
  const { blockedUs, ledger, others } = entry;
  const out = new ByteWriter();
  out.byte(FORM);
  out.byte((blockedUs > 0 ? IS_BLOCKED : 0) | (ledger ? HAS_LEDGER : 0) | (others ? HAS_OTHERS : 0));
  writeSection(entry, refOf, out);
  if (blockedUs > 0) out.count(blockedUs);
  if (ledger !== undefined) writeLedger(ledger, out);
  if (others === undefined) return out.result();
  out.count(others.length);
  for (const section of others) writeSection(section, refOf, out);
  return out.result();
}

/**
 * Reads what `encodeEntry` has written.
 *
 * @param bytes What was written.
 * @param policyOf The rules that a number stands for; undefined if it stands for none.
 * @throws {StoreError} If it was written by another version of this package, or is no entry.
 */
export function decodeEntry(bytes: Uint8Array, policyOf: (ref: number) => Policy | undefined): Entry {
  if (bytes[0] !== FORM) {
    throw new StoreError(
      "STORE_REFUSED",
      `Cannot read the state of a key: it has form ${bytes[0] ?? "none"}, and this version reads form ${FORM}`,
      { reason: "foreign_state", isOfKey: true },
    );
  }
  try {
    return readEntry(new ByteReader(bytes), policyOf);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new StoreError("STORE_REFUSED", "Cannot read the state of a key: its bytes are damaged", {
      reason: "foreign_state",
      isOfKey: true,
      cause,
    });
  }
}

/** The error where a number stands for no rules. */
export function unknownRules(ref: number): StoreError {
  return new StoreError("STORE_REFUSED", `Cannot read the state of a key: nothing is known of its rules ${ref}`, {
    reason: "foreign_state",
    isOfKey: true,
  });
}

function readEntry(from: ByteReader, policyOf: (ref: number) => Policy | undefined): Entry {
  from.byte();
  const flags = from.byte();
  if (flags > MOST) throw new RangeError(`Cannot read an entry with the flags ${flags}`);
  const { policy, states } = readSection(from, policyOf);
  const blockedUs = (flags & IS_BLOCKED) === 0 ? 0 : from.count();
  const ledger = (flags & HAS_LEDGER) === 0 ? undefined : readLedger(from);
  const others: Section[] | undefined = (flags & HAS_OTHERS) === 0 ? undefined : [];
  for (let left = others === undefined ? 0 : from.count(); left > 0; left--) others?.push(readSection(from, policyOf));
  if (!from.isAtEnd) throw new RangeError("Cannot read an entry: more bytes follow");
  return { policy, states, blockedUs, ledger, others };
}

function writeSection({ policy, states }: Section, refOf: (policy: Policy) => number, out: ByteWriter): void {
  out.count(refOf(policy));
  policy.rates.forEach((rate, i) => codecOf(rate).write(states[i] as RateState, out));
}

function readSection(
  from: ByteReader,
  policyOf: (ref: number) => Policy | undefined,
): { readonly policy: Policy; readonly states: RateState[] } {
  const ref = from.count();
  const policy = policyOf(ref);
  if (policy === undefined) throw unknownRules(ref);
  return { policy, states: policy.rates.map((rate) => codecOf(rate).read(from, rate)) };
}
