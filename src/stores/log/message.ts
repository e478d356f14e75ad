/**
 * The form of a message: who sent it, and what it asks, as JSON. JSON, because every runtime writes and reads it faster than
 * code that is not part of it could, and because people can read it in the stream.
 *
 * @module
 */

import { MAX_PLAIN_KEY, shortKey } from "../../base/short_key.ts";
import type { Policy } from "../../policy/policy.ts";
import type { StoreRequest, TakeRequest, Target } from "../store.ts";
import type { RulesBook } from "./rules_book.ts";

/**
 * The version of what messages say and of what they do to the state. Every process has to come to the same state, so one
 * that meets a newer version stops. A message is a JSON array in every version, and begins with the version: of all else, an
 * older process knows nothing.
 */
export const VERSION = 1;

/** What a process tells the others beside requests. */
export type Notice =
  /**
   * Its instances that take wakeups. Said again while their calls wait: where nothing comes of it for `aliveUs`, its waiting
   * calls are skipped.
   */
  | { readonly op: "listen"; readonly instances: readonly string[]; readonly aliveUs: number }
  /** It closes. */
  | { readonly op: "leave" }
  /** All keys are forgotten. */
  | { readonly op: "clear" }
  /** All of the state is forgotten: it begins with this message, for every reader. */
  | { readonly op: "begin" }
  /** Changes nothing. When its sender reads it, the sender has read all messages before it. */
  | { readonly op: "look" }
  /** The sender offers to store a snapshot of the state at this message. */
  | { readonly op: "storing" }
  /** A snapshot was stored, up to a sequence. */
  | { readonly op: "stored"; readonly sequence: number }
  /** The sender needs a snapshot. */
  | { readonly op: "wanted" }
  /** The sender reads the board. */
  | { readonly op: "watch" }
  /** A post on the board. */
  | { readonly op: "post"; readonly id: string; readonly text: string }
  /** What the sender has computed up to a mark. */
  | { readonly op: "digest"; readonly mark: number; readonly digest: string };

/** One item of a message: a request, or a notice. */
export type LogItem = StoreRequest | Notice;

/** A message that was read. */
export interface ReadMessage {
  /** The version of its sender. */
  readonly version: number;
  /** The session of its sender: one for each process and store. */
  readonly session: string;
  /** Counts the messages of the session, from 1. */
  readonly number: number;
  /** A limiter and its rules, by turns, as items refer to them. */
  readonly rules: readonly string[];
  /** The requests, each as a tuple. */
  readonly items: readonly ItemTuple[];
}

/**
 * Takes of one key by rates each: rules, cost, the longest wait in µs (`NOW`: none), and then the keys. A number behind a
 * key is how many more times it follows.
 */
export type PlainTakes = readonly [0, number, number, number, ...(string | null | number)[]];

/** An item of a message. */
export type ItemTuple = PlainTakes | readonly [1, OtherItem];

/** A target of any other item: rules, key, cost, permits. */
type TargetTuple = readonly [number, string | null, number, number];

interface OtherItem {
  readonly op: LogItem["op"];
  readonly targets?: readonly TargetTuple[];
  readonly [member: string]: unknown;
}

/** In place of the longest wait: the take is decided at once. */
export const NOW = -1;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Writes a message. */
export function writeMessage(
  book: RulesBook,
  session: string,
  number: number,
  items: readonly LogItem[],
): Uint8Array {
  const rules = new RulesList(book);
  const tuples: unknown[][] = [];
  let group: unknown[] | undefined;
  let before: Target | undefined;
  for (const item of items) {
    if (!isPlainTake(item)) {
      group = before = undefined;
      tuples.push([1, otherItem(item, rules)]);
      continue;
    }
    const target = item.targets[0] as Target;
    const place = rules.placeOf(target);
    const wait = item.mode === "now" ? NOW : item.maxWaitUs;
    if (group === undefined || group[1] !== place || group[2] !== target.cost || group[3] !== wait) {
      tuples.push(group = [0, place, target.cost, wait, keyOf(target)]);
    } else if (before === undefined || before.key !== target.key) group.push(keyOf(target));
    else if (typeof group.at(-1) === "number") group[group.length - 1] = group.at(-1) as number + 1;
    else group.push(1);
    before = target;
  }
  return encoder.encode(JSON.stringify([VERSION, session, number, rules.list, tuples]));
}

/** Whether a request takes no room behind another one: it is written as the same again. */
export function joins(one: StoreRequest, before: StoreRequest): boolean {
  return isPlainTake(one) && isPlainTake(before) && isAlike(one, before);
}

/** Reads a message; undefined where it is none of this package. */
export function readMessage(data: Uint8Array): ReadMessage | undefined {
  try {
    const parts = JSON.parse(decoder.decode(data)) as unknown;
    if (!Array.isArray(parts)) return undefined;
    const [version, session, number, rules, items] = parts as unknown[];
    if (Number.isSafeInteger(version) && version as number > VERSION) {
      return { version: version as number, session: "", number: 0, rules: [], items: [] };
    }
    if (!Number.isSafeInteger(version) || typeof session !== "string" || !Number.isSafeInteger(number)) {
      return undefined;
    }
    if (!Array.isArray(rules) || !Array.isArray(items)) return undefined;
    return { version, session, number, rules, items } as ReadMessage;
  } catch {
    return undefined;
  }
}

/** An item that is no plain take. */
export function readItem([, item]: readonly [1, OtherItem], targetOf: (tuple: TargetTuple) => Target): LogItem {
  const read: Record<string, unknown> = { ...item };
  if (item.targets !== undefined) read["targets"] = item.targets.map(targetOf);
  if ("maxWaitUs" in item) read["maxWaitUs"] = item["maxWaitUs"] ?? Infinity;
  if ("durationUs" in item) read["durationUs"] = item["durationUs"] ?? Infinity;
  // It has what its `op` needs: `writeMessage` of the same version has written it.
  return read as unknown as LogItem;
}

/** A target as it was written, under rules. */
export function targetOf([, key, cost, permits]: TargetTuple, limiter: string, policy: Policy): Target {
  // The hash of a long key is longer than any key that is kept as it is.
  return { limiter, policy, key: key ?? undefined, cost, permits, isHash: key !== null && key.length > MAX_PLAIN_KEY };
}

/** A take from the rates of one key, of which nothing else has to be told. */
function isPlainTake(item: LogItem): item is TakeRequest {
  if (item.op !== "take" || item.mode === "peek" || item.targets.length !== 1) return false;
  if (item.times !== undefined || item.id !== "" || item.arrivalUs !== 0) return false;
  const { policy, key } = item.targets[0] as Target;
  return policy.maxConcurrent === 0 && (key === undefined || key.length <= MAX_PLAIN_KEY) && item.maxWaitUs < Infinity;
}

/** Whether two plain takes are the same but for their callers. */
function isAlike(one: TakeRequest, other: TakeRequest): boolean {
  if (one.mode !== other.mode || one.maxWaitUs !== other.maxWaitUs) return false;
  const [a, b] = [one.targets[0] as Target, other.targets[0] as Target];
  return a.key === b.key && a.cost === b.cost && a.policy === b.policy && a.limiter === b.limiter;
}

/** The members of requests that are sent, beside their targets. A request may be a call, whose object holds more. */
const SENT_MEMBERS = [
  "mode",
  "maxWaitUs",
  "id",
  "arrivalUs",
  "times",
  "details",
  "marks",
  "durationUs",
  "keepLonger",
  "from",
] as const;

function otherItem(item: LogItem, rules: RulesList): OtherItem {
  if (!("targets" in item)) return item;
  const targets = item.targets.map((target): TargetTuple => [
    rules.placeOf(target),
    keyOf(target),
    target.cost,
    target.permits,
  ]);
  const written: Record<string, unknown> & { op: LogItem["op"] } = { op: item.op };
  for (const name of SENT_MEMBERS) {
    // Each kind of item has some of these names.
    const value = (item as unknown as Readonly<Record<string, unknown>>)[name];
    if (value !== undefined) written[name] = value;
  }
  return { ...written, targets };
}

function keyOf({ key, isHash }: Target): string | null {
  return (isHash ? key : shortKey(key)) ?? null;
}

/** The rules that a message refers to. */
class RulesList {
  /** A limiter and its rules, by turns. */
  readonly list: string[] = [];
  readonly #policies: Policy[] = [];
  readonly #book: RulesBook;

  constructor(book: RulesBook) {
    this.#book = book;
  }

  /** Which of the rules a target has. */
  placeOf({ limiter, policy }: Target): number {
    for (let i = this.#policies.length - 1; i >= 0; i--) {
      if (this.#policies[i] === policy && this.list[2 * i] === limiter) return i;
    }
    this.list.push(limiter, this.#book.textOf(policy));
    return this.#policies.push(policy) - 1;
  }
}
