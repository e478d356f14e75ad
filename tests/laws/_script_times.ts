/**
 * How long scripts run in a Redis of one's own, as the server's slow log says.
 *
 * @module
 */

import { compilePolicy } from "../../src/policy/compile_policy.ts";
import type { LimiterOptions } from "../../src/policy/options.ts";
import { createRedisStore } from "../../src/stores/redis/mod.ts";
import type { DoneReply, Store, StoreRequest, TakeReply, Target } from "../../src/stores/store.ts";
import { type RedisProcess, startRedis } from "../stores/redis/_servers.ts";

/** How often each thing is measured. */
const SAMPLES = 11;

/** A script that does the same on every machine: about 430 µs on one of usual speed. */
export const REFERENCE = "local sum = 0 for i = 1, 20000 do sum = sum + i % 7 end return sum";

/** Asks for one thing on one key. */
export type Act = (target: Target, store: Store) => Promise<unknown>;

/** What is measured. */
export interface Verb {
  /** Makes one script call. */
  readonly act: Act;
  /** What is done on the key before. */
  readonly prepare?: Act | undefined;
}

/** A server and a store on it. */
export class ScriptTimes implements AsyncDisposable {
  readonly #server: RedisProcess;
  readonly #store: Store;
  #sequence = 0;

  private constructor(server: RedisProcess) {
    this.#server = server;
    this.#store = createRedisStore({ url: server.url, keyPrefix: "slopes" });
  }

  /** Starts a server that logs how long each command took. */
  static async open(): Promise<ScriptTimes> {
    const server = await startRedis();
    await server.command("CONFIG", "SET", "slowlog-log-slower-than", "0");
    await server.command("CONFIG", "SET", "slowlog-max-len", "100000");
    return new ScriptTimes(server);
  }

  /**
   * Keys that all are in the same state: what Redis keeps of the first is copied.
   *
   * @param options Their rules.
   * @param prepare What is done on the first of them.
   * @param keyLength How long they are.
   */
  async keys(options: LimiterOptions, prepare: Act = async () => {}, keyLength: number = 24): Promise<Target[]> {
    const policy = compilePolicy(options);
    // A limiter for each, because different rules for one limiter are decided by the large script.
    const limiter = `api${++this.#sequence}`;
    const targets = Array.from({ length: SAMPLES }, (): Target => {
      const key = `${++this.#sequence}`.padEnd(keyLength, "-");
      return { limiter, key, policy, cost: 1, permits: 0 };
    });
    const [first, ...others] = targets as [Target, ...Target[]];
    await prepare(first, this.#store);
    const names = await this.#server.command("KEYS", `*${first.key}*`) as string[];
    for (const { key } of others) {
      for (const name of names) {
        await this.#server.command("COPY", name, name.replace(first.key as string, key as string));
      }
    }
    return targets;
  }

  /**
   * The µs that a script takes on a key of each size, at the least: what else the machine does only makes it longer. The
   * sizes take turns, so that a machine which is slow for a while is slow for all of them.
   *
   * @param sizes The keys of each size.
   * @param verb What is measured; for each size, because it may depend on it.
   */
  async of(sizes: readonly (readonly Target[])[], verb: (size: number) => Verb): Promise<number[]> {
    const least = sizes.map(() => Infinity);
    for (let sample = 0; sample < SAMPLES; sample++) {
      for (const [size, targets] of sizes.entries()) {
        const { act, prepare } = verb(size);
        const target = targets[sample] as Target;
        await prepare?.(target, this.#store);
        least[size] = Math.min(least[size] as number, await this.#timeOf(() => act(target, this.#store)));
      }
    }
    return least;
  }

  /** The µs that a script takes here which does the same on every machine, at the least. */
  async reference(): Promise<number> {
    let least = Infinity;
    for (let sample = 0; sample < SAMPLES; sample++) {
      least = Math.min(least, await this.#timeOf(() => this.#server.command("EVAL", REFERENCE, "0")));
    }
    return least;
  }

  /** The µs of the scripts that an act makes Redis run. */
  async #timeOf(act: () => Promise<unknown>): Promise<number> {
    await this.#server.command("SLOWLOG", "RESET");
    await act();
    type Entry = [id: number, at: number, us: number, args: string[]];
    const log = await this.#server.command("SLOWLOG", "GET", "100") as Entry[];
    const times = log.filter(([, , , [name = ""]]) => /^eval/i.test(name)).map(([, , us]) => us);
    if (times.length === 0) throw new Error("Cannot measure: no script has run");
    return Math.max(...times);
  }

  /** Ends both. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#store.close();
    await this.#server.stop();
  }
}

/** Takes a cost, now or for later. */
export async function take(
  target: Target,
  store: Store,
  cost: number,
  mode: "now" | "wait" | "peek",
): Promise<TakeReply> {
  const targets = [{ ...target, cost }];
  return await store.execute({
    op: "take",
    targets,
    mode,
    maxWaitUs: mode === "wait" ? 1e15 : 0,
    id: "",
    arrivalUs: 0,
  });
}

/** Corrects a key. */
export async function correct(
  target: Target,
  store: Store,
  op: "refund" | "penalize" | "reset" | "block",
  cost: number,
): Promise<DoneReply> {
  const targets = [{ ...target, cost }];
  const request: StoreRequest = op === "block" ? { op, targets, durationUs: 60_000_000 } : { op, targets };
  return await store.execute(request) as DoneReply;
}
