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
import type { NamedRequest } from "./named_request.ts";
import type { KeyNames } from "./keys.ts";
import { OTHER_RULES, otherRules } from "./refused_by_script.ts";
import { RuleBook, type RuleBookOptions, type RuleEntry } from "./rule_book.ts";
import { coordinate } from "./scripts.gen.ts";

/** What a script answers to a request. */
export type Reply = TakeReply | DoneReply;

/** What these calls need of their store. */
export interface RuledCallsOptions extends RuleBookOptions {
  /** Makes one script call; with `isMixed` by the scripts that know keys which several rules share. */
  run(batch: readonly NamedRequest[], isMixed: boolean): Promise<readonly (Reply | StoreError)[]>;
}

/** A class, for the reason that the batcher gives at its `Entry`. */
class Named implements NamedRequest {
  readonly request: StoreRequest;
  readonly keys: readonly string[];
  readonly rules: readonly RuleEntry[];

  constructor(request: StoreRequest, keys: readonly string[], rules: readonly RuleEntry[]) {
    this.request = request;
    this.keys = keys;
    this.rules = rules;
  }
}

/** The calls of one store. */
export class RuledCalls {
  readonly #book: RuleBook;
  readonly #run: RuledCallsOptions["run"];

  /**
   * Makes them.
   *
   * @param options What they need of their store.
   */
  constructor(options: RuledCallsOptions) {
    this.#book = new RuleBook(options);
    this.#run = options.run;
  }

  /** A request with its keys, and what is known of the rules of its targets. */
  named(request: StoreRequest, names: KeyNames): NamedRequest {
    const { targets } = request;
    const rules = targets.length === 1
      ? this.#book.of(targets[0] as Target).alone
      : targets.map((target) => this.#book.of(target));
    return new Named(request, names.keysOf(targets), rules);
  }

  /** Decides a batch; an empty one only asks for messages. */
  async send(batch: readonly NamedRequest[]): Promise<readonly (Reply | Error)[]> {
    const refreshed = this.#book.refresh();
    if (refreshed === undefined) return await this.#decide(batch);
    await refreshed;
    const untold = batch.map((named) => entriesOf(named).find(({ toldUs }) => toldUs === undefined));
    const known = batch.filter((_, i) => untold[i] === undefined);
    const replies = known.length > 0 || batch.length === 0 ? [...await this.#decide(known)] : [];
    return untold.map((entry) => entry === undefined ? replies.shift() as Reply : errorOf(entry.error) as Error);
  }

  /** Decides, and asks again for what has to do with other rules by the script that knows those. */
  async #decide(batch: readonly NamedRequest[]): Promise<readonly (Reply | Error)[]> {
    const replies = await this.#run(batch, false);
    if (!replies.includes(otherRules)) return replies;
    const again = batch.filter((_, i) => replies[i] === otherRules);
    this.#met(again);
    const decided = [...await this.#run(again, true)];
    return replies.map((reply) => reply === otherRules ? decided.shift() as Reply | StoreError : reply);
  }

  /** The reply to a call without the mark with which the large script ends it where other rules may have come into use. */
  withoutMark(reply: ScriptReply, { script, batch }: EncodedCall): ScriptReply {
    if (script !== coordinate || !Array.isArray(reply) || reply.at(-1) !== OTHER_RULES) return reply;
    this.#met(batch);
    return reply.slice(0, -1);
  }

  /** Signs off from the registers of limiters. Never rejects. */
  close(): Promise<void> {
    return this.#book.close();
  }

  #met(batch: readonly NamedRequest[]): void {
    for (const named of batch) for (const entry of entriesOf(named)) this.#book.met(entry);
  }
}

/** An error of its own for each caller. */
export function errorOf(cause: unknown): unknown {
  if (!(cause instanceof StoreError)) return cause;
  const { code, message, reason, retryAfterMs } = cause;
  return new StoreError(code, message, { cause, reason, retryAfterMs });
}

function entriesOf({ rules = [] }: NamedRequest): readonly RuleEntry[] {
  return rules as readonly RuleEntry[];
}
