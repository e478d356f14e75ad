/**
 * Calls in a cluster: one for each node, where it lets a script touch keys of several of its slots, else one for each slot.
 *
 * A script declares one key, and a node refuses the call only if that key is elsewhere. Of the others, each that is not
 * there fails alone, before anything of it was written, and is asked for again by its slot.
 *
 * @module
 */

import { systemClock } from "../../base/clock.ts";
import { StoreError } from "../../base/errors.ts";
import { groupBy } from "../../base/group_by.ts";
import { checkKey } from "./check.ts";
import type { ClusterView, RedisConnection } from "./connections/connection.ts";
import { hashSlot } from "./hash_slot.ts";
import { isKeyByKey, type NamedRequest } from "./named_request.ts";
import { otherRules } from "./refused_by_script.ts";
import { errorOf, type Replies, type Reply, type RunBatch } from "./script_calls.ts";
import type { Script } from "./script.ts";
import type { ScriptCall } from "./script_call.ts";
import { acrossSlots, check } from "./scripts.gen.ts";

/** When a node that has refused is asked again, in microseconds. */
const AGAIN_US = 60_000_000;

/** How many keys are tried to find two in slots of a node. */
const MAX_TRIES = 20_000;

/** What a node was found to do. */
interface Finding {
  isAllowed: boolean;
  /** When it was asked last, in microseconds. */
  askedUs: number;
}

/** The node has not run a call over several slots: it does not have the declared key. */
class NotRun extends Error {}

/** The calls of one store. */
export class ClusterCalls {
  readonly #cluster: ClusterView;
  readonly #prefix: string;
  readonly #run: RunBatch;
  readonly #isByNode: boolean;
  readonly #findings = new WeakMap<object, Finding>();
  #refusal: string | undefined;

  /**
   * Makes them.
   *
   * @param cluster Knows the nodes.
   * @param prefix What every key of the store begins with, with its colon.
   * @param run Makes a call.
   * @param isByNode Whether a call may be about keys in several slots.
   */
  constructor(cluster: ClusterView, prefix: string, run: RunBatch, isByNode: boolean) {
    this.#cluster = cluster;
    this.#prefix = prefix;
    this.#run = run;
    this.#isByNode = isByNode && cluster.runAt !== undefined;
  }

  /** What to know of the nodes. */
  get advice(): readonly string[] {
    if (this.#refusal === undefined) return [];
    return [
      `A node lets no script touch keys of several of its slots (${this.#refusal}), so that calls for many keys are a ` +
      "command for each slot: keyShards on the limiters makes them few",
    ];
  }

  /** Decides a batch. A call that fails does so for its own requests. */
  async run(script: Script, batch: readonly NamedRequest[]): Promise<Replies> {
    const slots = batch.map(slotOf);
    const [first] = slots;
    if (slots.every((slot) => slot === first)) return await this.#run(script, batch);
    if (!this.#isByNode || !isKeyByKey(script)) return await this.#bySlot(script, batch);
    const nodes = slots.map((slot) => this.#cluster.nodeOf(slot));
    if (nodes.every((node) => node === nodes[0])) return await this.#atNode(script, batch, nodes[0]);
    return await inParts(batch, nodes, (part) => this.run(script, part));
  }

  async #bySlot(script: Script, batch: readonly NamedRequest[]): Promise<Replies> {
    return await inParts(batch, batch.map(slotOf), (part) => this.#run(script, part));
  }

  async #atNode(script: Script, batch: readonly NamedRequest[], node: object | undefined): Promise<Replies> {
    if (node === undefined || !this.#allows(node)) return await this.#bySlot(script, batch);
    const replies = await this.#across(script, batch);
    if (replies === undefined) return await this.#bySlot(script, batch);
    if (!replies.some(isElsewhere)) return replies;
    const again = [...await this.#bySlot(script, batch.filter((_, i) => isElsewhere(replies[i])))];
    // Most likely a slot has moved, but the node may be another one by now, which refuses.
    if (!again.every(isElsewhere)) this.#findings.delete(node);
    return replies.map((reply) => isElsewhere(reply) ? again.shift() as Reply | StoreError : reply);
  }

  /** Decides requests about keys in several slots of one node; undefined where that does not have the first one. */
  async #across(smallest: Script, batch: readonly NamedRequest[]): Promise<Replies | undefined> {
    const run: RedisConnection["run"] = async (script, keys, args) => {
      const call = acrossCall({ script, keys, args });
      const reply = await this.#cluster.runAt?.(hashSlot(keys[0] as string), call.script, call.keys, call.args);
      if (reply === undefined) throw new NotRun();
      return reply;
    };
    return await this.#run(smallest, batch, { run }).catch((error) => {
      if (error instanceof NotRun) return undefined;
      throw error;
    });
  }

  /** Whether a node lets a script touch keys of several of its slots; false as long as that is not known. */
  #allows(node: object): boolean {
    const nowUs = systemClock.nowUs();
    const found = this.#findings.get(node) ?? { isAllowed: false, askedUs: -Infinity };
    if (!found.isAllowed && nowUs - found.askedUs >= AGAIN_US) {
      found.askedUs = nowUs;
      this.#findings.set(node, found);
      this.#ask(node, found).catch(() => this.#findings.delete(node)); // told to calls
    }
    return found.isAllowed;
  }

  /** Tries to read a key that no limiter has. */
  async #ask(node: object, found: Finding): Promise<void> {
    const [declared, other] = this.#keysAt(node);
    // The attempts are listed in words.
    if (declared === undefined || other === undefined || /\s/.test(other)) return;
    const reply = await this.#cluster.runAt?.(hashSlot(declared), check, [declared], [`GET ${other}`]);
    if (!Array.isArray(reply)) throw new NotRun();
    this.#refusal = reply[3] as string | undefined;
    found.isAllowed = this.#refusal === undefined;
  }

  /** Two keys in different slots of a node, if it has as many. */
  #keysAt(node: object): string[] {
    const found = new Map<number, string>();
    for (let i = 0; i < MAX_TRIES && found.size < 2; i++) {
      const key = `${checkKey(this.#prefix)}:${i}`;
      const slot = hashSlot(key);
      if (this.#cluster.nodeOf(slot) === node) found.set(slot, key);
    }
    return [...found.values()];
  }
}

function slotOf({ keys }: NamedRequest): number {
  return hashSlot(keys[0] ?? "");
}

/** Whether a request failed because its key is not there, or, as far as its error tells, may have. */
function isElsewhere(reply: Reply | StoreError | undefined): boolean {
  return reply instanceof StoreError && reply !== otherRules &&
    (reply.reason === undefined || reply.reason === "cluster_node");
}

const acrossScripts = new WeakMap<Script, Script>();

/** A call that declares its first key only. */
function acrossCall({ script, keys, args }: ScriptCall): ScriptCall {
  let across = acrossScripts.get(script);
  if (across === undefined) {
    const { name, acrossSha1 = "", source } = script;
    acrossScripts.set(script, across = { name, sha1: acrossSha1, source: `${acrossSlots}\n${source}` });
  }
  const [first, ...others] = keys as [string, ...string[]];
  return { script: across, keys: [first], args: [...args, ...others, String(others.length)] };
}

/** Runs each part of a batch on its own, and puts the replies together. */
async function inParts<Group>(
  batch: readonly NamedRequest[],
  groups: readonly Group[],
  run: (part: readonly NamedRequest[]) => Promise<Replies>,
): Promise<Replies> {
  const replies = new Array<Reply | StoreError>(batch.length);
  const places = groupBy([...batch.keys()], (i) => groups[i] as Group);
  await Promise.all([...places.values()].map(async (indices) => {
    try {
      const part = await run(indices.map((i) => batch[i] as NamedRequest));
      indices.forEach((i, at) => replies[i] = part[at] as Reply | StoreError);
    } catch (cause) {
      for (const i of indices) replies[i] = errorOf(cause) as StoreError;
    }
  }));
  return replies;
}
