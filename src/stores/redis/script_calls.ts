/**
 * Sends batches to scripts. Before a limiter's first decision it asks the register which other rules are in use; requests
 * that a fast script answered with RULES it sends again to a script that knows keys of several rules.
 *
 * @module
 */

import { systemClock } from "../../base/clock.ts";
import { StoreError } from "../../base/errors.ts";
import type { DoneReply, StoreRequest, TakeReply, Target } from "../store.ts";
import type { RedisConnection, ScriptReply } from "./connections/connection.ts";
import { bucketCall } from "./buckets.ts";
import { decodeBatch, messagesOf, unreadable } from "./decode.ts";
import { encodeBatch, type EncodedCall, encodeTakes } from "./encode.ts";
import type { KeyNames } from "./keys.ts";
import type { Messages } from "./messages.ts";
import { commonScript, isKeyByKey, NamedRequest, scriptOf } from "./named_request.ts";
import { OTHER_RULES, otherRules } from "./refused_by_script.ts";
import { RegisterCache, type RegisterCacheOptions } from "./register_cache.ts";
import type { Script } from "./script.ts";
import { bucket, coordinate, register } from "./scripts.gen.ts";
import type { RedisStoreSettings } from "./store_settings.ts";

/** What a script answers to a request. */
export type Reply = TakeReply | DoneReply;

/** What was decided about requests, in their order. */
export type Replies = readonly (Reply | StoreError)[];

/**
 * Decides a batch by one call of a script. `through` sends the call in place of the store's connection, and rejects if the
 * server has not run it.
 */
export type RunBatch = (
  script: Script,
  batch: readonly NamedRequest[],
  through?: Pick<RedisConnection, "run">,
) => Promise<Replies>;

/** What these calls need of their store. */
export interface ScriptCallsOptions extends Pick<RegisterCacheOptions, "report"> {
  /** Sends them. */
  readonly connection: Pick<RedisConnection, "run">;
  /** How keys are called. */
  readonly names: KeyNames;
  /** How the store uses its connection. */
  readonly settings: RedisStoreSettings;
  /** Where messages of replies go. */
  messages(): Messages;
  /** Divides a batch by the nodes of a cluster. @default each batch is one call */
  readonly divide?: RunBatch | undefined;
}

/** The calls of one store. */
export class ScriptCalls {
  readonly #options: ScriptCallsOptions;
  /** Sends scripts; tests put others in their place. */
  readonly #connection: Pick<RedisConnection, "run">;
  /** What the ARGV of every script begins with: what is added to times to live. */
  readonly #grace: string;
  readonly #register: RegisterCache;

  /**
   * Makes them.
   *
   * @param options What they need of their store.
   */
  constructor(options: ScriptCallsOptions) {
    const { connection, names, settings: { timingMarginMs = 10, testClock, testScript }, report } = options;
    this.#options = options;
    this.#grace = String(Math.ceil(timingMarginMs));
    this.#connection = testScript === undefined ? connection : {
      run: (script, keys, args) => {
        const call = testScript({ script, keys, args });
        return connection.run(call.script, call.keys, call.args);
      },
    };
    this.#register = new RegisterCache({
      register: (limiter, own) => {
        const args = [String(testClock?.nowUs() ?? ""), ...own];
        return this.#connection.run(register, [names.register(limiter)], args);
      },
      report,
      nowUs: testClock === undefined ? systemClock.nowUs : () => testClock.nowUs(),
    });
  }

  /** A request with its keys, and what is known of the rules of its targets. */
  named(request: StoreRequest): NamedRequest {
    const { targets } = request;
    const rules = targets.length === 1
      ? this.#register.of(targets[0] as Target).alone
      : targets.map((target) => this.#register.of(target));
    const { names } = this.#options;
    const keys = names.keysOf(targets);
    if (request.op === "reset") keys.push(...targets.flatMap((target) => names.leasesBeside(target)));
    return new NamedRequest(request, keys, rules);
  }

  /** Decides a batch of one script; an empty one only asks for messages. */
  send(batch: readonly NamedRequest[]): Promise<readonly (Reply | Error)[]> {
    const refreshed = this.#register.refresh();
    if (refreshed !== undefined) return this.#decideAfter(refreshed, batch);
    return this.#decide(batch[0] === undefined ? coordinate : scriptOf(batch[0]), batch);
  }

  /** Decides as far as the rules of a request could be read from their register. */
  async #decideAfter(
    refreshed: Promise<void>,
    batch: readonly NamedRequest[],
  ): Promise<readonly (Reply | Error)[]> {
    await refreshed;
    // Now: while the others are decided, the register may be read after all, and its error is gone then.
    const failed = batch.map(({ rules }) => {
      const unread = rules.find(({ readUs }) => readUs === undefined);
      return unread === undefined ? undefined : errorOf(unread.error) as Error;
    });
    const known = batch.filter((_, i) => failed[i] === undefined);
    const replies = known.length > 0 || batch.length === 0 ? [...await this.#decide(commonScript(known), known)] : [];
    return failed.map((error) => error ?? replies.shift() as Reply);
  }

  /** Decides, and asks again for what has to do with other rules by the script that knows those. */
  async #decide(script: Script, batch: readonly NamedRequest[]): Promise<readonly (Reply | Error)[]> {
    const run = this.#options.divide ?? this.run;
    const replies = await run(script, batch);
    if (!replies.includes(otherRules)) return replies;
    const again = batch.filter((_, i) => replies[i] === otherRules);
    this.#sawOthers(again);
    const decided = [...await run(coordinate, again)];
    return replies.map((reply) => reply === otherRules ? decided.shift() as Reply | StoreError : reply);
  }

  /** Decides a batch by one call of a script. It is a field, so that the store can hand it to the calls of a cluster. */
  readonly run: RunBatch = async (script, batch, through = this.#connection) => {
    const { testClock } = this.#options.settings;
    const clock = testClock === undefined ? this.#grace : `@${testClock.nowUs()} ${this.#grace}`;
    if (script !== bucket && !isKeyByKey(script)) return await this.#runWithMessages(script, batch, clock, through);
    const call = script === bucket ? bucketCall(batch, clock) : encodeTakes(script, batch, clock);
    const reply = await through.run(script, call.keys, call.args);
    const replies = Array.isArray(reply) ? call.read(reply) : undefined;
    if (replies === undefined) throw unreadable();
    return replies;
  };

  /** The same where calls may have to wait: messages to those come with the reply. */
  async #runWithMessages(
    script: Script,
    batch: readonly NamedRequest[],
    clock: string,
    through: Pick<RedisConnection, "run">,
  ): Promise<Replies> {
    const { names } = this.#options;
    const messages = this.#options.messages();
    const { waiting, areFetched: hasInboxes } = messages;
    const callers = messages.callersOf(batch);
    const call = encodeBatch(script, batch, { names, clock, callers, hasInboxes });
    try {
      const reply = this.#withoutRulesFlag(await through.run(call.script, call.keys, call.args), call);
      const replies = decodeBatch(call, reply);
      messages.replied?.(batch, replies);
      if (call.hasMessages) messages.receive(messagesOf(call, reply), waiting);
      return replies;
    } catch (error) {
      if (call.hasMessages) messages.lost(callers);
      throw error;
    }
  }

  /** The reply to a call without the mark with which the large script ends it where other rules may have come into use. */
  #withoutRulesFlag(reply: ScriptReply, { script, batch }: EncodedCall): ScriptReply {
    if (script !== coordinate || !Array.isArray(reply) || reply.at(-1) !== OTHER_RULES) return reply;
    this.#sawOthers(batch);
    return reply.slice(0, -1);
  }

  /** Signs off from the registers of limiters. Never rejects. */
  close(): Promise<void> {
    return this.#register.close();
  }

  #sawOthers(batch: readonly NamedRequest[]): void {
    for (const named of batch) for (const entry of named.rules) this.#register.sawOthers(entry);
  }
}

/** An error of its own for each caller. */
export function errorOf(cause: unknown): unknown {
  if (!(cause instanceof StoreError)) return cause;
  const { code, message, reason, retryAfterMs, isOfKey } = cause;
  return new StoreError(code, message, { cause, reason, retryAfterMs, isOfKey });
}
