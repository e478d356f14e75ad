/**
 * Sends batches to scripts. Before a limiter's first decision it asks the register which other rules are in use; requests
 * that a fast script answered with RULES it sends again to a script that knows keys of several rules.
 *
 * @module
 */

import { StoreError } from "../../base/errors.ts";
import type { DoneReply, StoreRequest, TakeReply, Target } from "../store.ts";
import type { ScriptReply } from "./connections/connection.ts";
import type { EncodedCall } from "./encode.ts";
import { NamedRequest } from "./named_request.ts";
import type { KeyNames } from "./keys.ts";
import { OTHER_RULES, otherRules } from "./refused_by_script.ts";
import { RegisterCache, type RegisterCacheOptions, type UsedRules } from "./register_cache.ts";
import { coordinate } from "./scripts.gen.ts";

/** What a script answers to a request. */
export type Reply = TakeReply | DoneReply;

/** What these calls need of their store. */
export interface ScriptCallsOptions extends RegisterCacheOptions {
  /** Makes one script call. `isMixed` selects the scripts for keys that processes with different rules share. */
  run(batch: readonly NamedRequest[], isMixed: boolean): Promise<readonly (Reply | StoreError)[]>;
}

/** The calls of one store. */
export class ScriptCalls {
  readonly #register: RegisterCache;
  readonly #run: ScriptCallsOptions["run"];

  /**
   * Makes them.
   *
   * @param options What they need of their store.
   */
  constructor(options: ScriptCallsOptions) {
    this.#register = new RegisterCache(options);
    this.#run = options.run;
  }

  /** A request with its keys, and what is known of the rules of its targets. */
  named(request: StoreRequest, names: KeyNames): NamedRequest {
    const { targets } = request;
    const rules = targets.length === 1
      ? this.#register.of(targets[0] as Target).alone
      : targets.map((target) => this.#register.of(target));
    return new NamedRequest(request, names.keysOf(targets), rules);
  }

  /** Decides a batch; an empty one only asks for messages. */
  send(batch: readonly NamedRequest[]): Promise<readonly (Reply | Error)[]> {
    const refreshed = this.#register.refresh();
    return refreshed === undefined ? this.#decide(batch) : this.#decideAfter(refreshed, batch);
  }

  /** Decides as far as the rules of a request could be read from their register. */
  async #decideAfter(
    refreshed: Promise<void>,
    batch: readonly NamedRequest[],
  ): Promise<readonly (Reply | Error)[]> {
    await refreshed;
    const unread = batch.map((named) => entriesOf(named).find(({ readUs }) => readUs === undefined));
    const known = batch.filter((_, i) => unread[i] === undefined);
    const replies = known.length > 0 || batch.length === 0 ? [...await this.#decide(known)] : [];
    return unread.map((entry) => entry === undefined ? replies.shift() as Reply : errorOf(entry.error) as Error);
  }

  /** Decides, and asks again for what has to do with other rules by the script that knows those. */
  async #decide(batch: readonly NamedRequest[]): Promise<readonly (Reply | Error)[]> {
    const replies = await this.#run(batch, false);
    if (!replies.includes(otherRules)) return replies;
    const again = batch.filter((_, i) => replies[i] === otherRules);
    this.#sawOthers(again);
    const decided = [...await this.#run(again, true)];
    return replies.map((reply) => reply === otherRules ? decided.shift() as Reply | StoreError : reply);
  }

  /** The reply to a call without the mark with which the large script ends it where other rules may have come into use. */
  withoutRulesFlag(reply: ScriptReply, { script, batch }: EncodedCall): ScriptReply {
    if (script !== coordinate || !Array.isArray(reply) || reply.at(-1) !== OTHER_RULES) return reply;
    this.#sawOthers(batch);
    return reply.slice(0, -1);
  }

  /** Signs off from the registers of limiters. Never rejects. */
  close(): Promise<void> {
    return this.#register.close();
  }

  #sawOthers(batch: readonly NamedRequest[]): void {
    for (const named of batch) for (const entry of entriesOf(named)) this.#register.sawOthers(entry);
  }
}

/** An error of its own for each caller. */
export function errorOf(cause: unknown): unknown {
  if (!(cause instanceof StoreError)) return cause;
  const { code, message, reason, retryAfterMs, isOfKey } = cause;
  return new StoreError(code, message, { cause, reason, retryAfterMs, isOfKey });
}

function entriesOf({ rules }: NamedRequest): readonly UsedRules[] {
  return rules as readonly UsedRules[];
}
