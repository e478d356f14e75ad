/**
 * What another program, or another version, leaves under a key of the store, and what may be asked about such a key.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";

import { StoreError } from "../../src/base/errors.ts";
import type { LimiterOptions } from "../../src/policy/options.ts";
import { KeyNames } from "../../src/stores/redis/keys.ts";
import { RedisStore } from "../../src/stores/redis/redis_store.ts";
import type { StoreRequest, TakeRequest, Target } from "../../src/stores/store.ts";
import { target } from "../stores/_lab.ts";
import { executeAll } from "./execute_all.ts";
import type { ParityServices } from "./parity.ts";
import type { RawRedis } from "./raw_redis.ts";
import { freshPrefix } from "./redis.ts";

const HOUR_MS = 3_600_000;

/** Each kind of rules that Redis stores in a form of its own. */
export const RULES: Readonly<Record<string, LimiterOptions>> = {
  "a token bucket": { limit: 100, windowMs: HOUR_MS },
  "a token bucket with a remainder": { limit: 7, windowMs: HOUR_MS },
  "a fixed window": { algorithm: "fixed_window", limit: 100, windowMs: HOUR_MS },
  "a large fixed window": { algorithm: "fixed_window", limit: 100_000, windowMs: HOUR_MS },
  "a sliding window counter": { algorithm: "sliding_window_counter", limit: 100, windowMs: HOUR_MS },
  "a sliding window": { algorithm: "sliding_window", limit: 100, windowMs: HOUR_MS },
  "two limits": {
    limits: [{ limit: 100, windowMs: HOUR_MS }, { algorithm: "fixed_window", limit: 1_000, windowMs: HOUR_MS }],
  },
  "two limits with a sliding window": {
    limits: [{ limit: 100, windowMs: HOUR_MS }, { algorithm: "sliding_window", limit: 1_000, windowMs: HOUR_MS }],
  },
  "a token bucket and permits": { limit: 100, windowMs: HOUR_MS, maxConcurrent: 10 },
  "permits": { maxConcurrent: 10 },
};

/** Makes the requests of one kind of rules. */
class Asker {
  readonly #target: Target;
  #sequence = 0;

  constructor(options: LimiterOptions) {
    this.#target = target(options);
  }

  of(key: string): Target {
    return { ...this.#target, key };
  }

  take(key: string, more: Partial<TakeRequest> = {}): TakeRequest {
    const id = `i.${this.#sequence++}.d.0.1.1`;
    return { op: "take", mode: "now", maxWaitUs: 0, id, arrivalUs: 0, targets: [this.of(key)], ...more };
  }
}

type Verb = (asker: Asker, key: string) => StoreRequest[];

/** Requests about a key, each sent by itself. */
const ALONE: Readonly<Record<string, Verb>> = {
  "take alone": (a, key) => [a.take(key)],
  "wait alone": (a, key) => [a.take(key, { mode: "wait", maxWaitUs: 1e6 })],
  "peek alone": (a, key) => [a.take(key, { mode: "peek" })],
};

const WAIT = { mode: "wait", maxWaitUs: 1e6 } as const;

/** Requests about a key, sent in one batch with those about all others. */
const BATCHED: Readonly<Record<string, Verb>> = {
  "take in a batch": (a, key) => [a.take(key)],
  "take in a batch, several times": (a, key) => [a.take(key), a.take(key), a.take(key)],
  "peek in a batch": (a, key) => [a.take(key, { mode: "peek" })],
  "wait in a batch": (a, key) => [a.take(key, WAIT)],
  "take in a mixed batch": (a, key) => [
    a.take(key),
    a.take("", { targets: [target({ algorithm: "fixed_window", limit: 5_000, windowMs: 1_000 }, { limiter: "o" })] }),
    a.take("", { targets: [target({ maxConcurrent: 100_000 }, { limiter: "p" })] }),
  ],
  "take with another limiter": (a, key) => [
    a.take(key, { targets: [a.of(key), target({ limit: 1_000_000, windowMs: HOUR_MS }, { limiter: "other" })] }),
  ],
  "explain": (a, key) => [a.take(key, { mode: "peek", details: [a.of(key).policy.rates.map(() => [1, 2])] })],
  "penalize": (a, key) => [{ op: "penalize", targets: [a.of(key)] }],
  "refund": (a, key) => [{ op: "refund", targets: [a.of(key)] }],
  "give back": (a, key) => {
    const mark = { nowUs: 0, atUs: 0, cost: 1, level: [0, 0] as const };
    return [{ op: "giveBack", targets: [a.of(key)], marks: [a.of(key).policy.rates.map(() => mark)] }];
  },
  "block": (a, key) => [{ op: "block", targets: [a.of(key)], durationUs: 1e6 }],
  "lift a block": (a, key) => [{ op: "block", targets: [a.of(key)], durationUs: 0 }],
};

type Write = (raw: RawRedis, key: string, own: Buffer) => Promise<unknown>;
const text = (value: string | Buffer): Write => (raw, key) => raw.send("SET", key, value);

const digits = (size: number) => text("1234567890".repeat(4).slice(0, size));

/** What no rules write, and what those of a limiter that is asked do not. */
const VALUES: Readonly<Record<string, Write>> = {
  "0": text("0"),
  "0 for an hour": (raw, key) => raw.send("SET", key, "0", "EX", "3600"),
  "1": text("1"),
  "-1": text("-1"),
  "what a take adds, below zero": text("-36000000"),
  "007": text("007"),
  "1e5": text("1e5"),
  "nothing": text(""),
  "a space": text(" "),
  "sixteen spaces": text(" ".repeat(16)),
  "a number in hex": text("0x11c37937e08000"),
  "JSON": text('{"count":1}'),
  "true": text("true"),
  "bytes from 0 on": text(Buffer.from([...Array(30).keys()])),
  "bytes from 128 on": text(Buffer.alloc(30, 255)),
  "a block that is no number": text(Buffer.from("b" + "\xff".repeat(8), "latin1")),
  "10 digits": digits(10),
  "13 digits": digits(13),
  "15 digits": digits(15),
  "16 digits": digits(16),
  "16 digits, of 2100": text("4111111111111111"),
  "16 nines": text("9".repeat(16)),
  "17 digits": digits(17),
  "18 digits": digits(18),
  "18 nines": text("9".repeat(18)),
  "20 digits": digits(20),
  "40 digits": digits(40),
  "40 digits for an hour": (raw, key) => raw.send("SET", key, "1234567890".repeat(4), "EX", "3600"),
  "-9007199254740990": text("-9007199254740990"),
  "-1234567890123456": text("-1234567890123456"),
  "-12345678901234567": text("-12345678901234567"),
  "its own value, truncated": (raw, key, own) => raw.send("SET", key, own.subarray(0, -1), "EX", "3600"),
  "half of its own value": (raw, key, own) => raw.send("SET", key, own.subarray(0, own.length >> 1)),
  "its own value and a letter": (raw, key, own) => raw.send("SET", key, Buffer.concat([own, Buffer.from("x")])),
  "its own value and a zero byte": (raw, key, own) => raw.send("SET", key, Buffer.concat([own, Buffer.from("\0")])),
  "its own value behind a letter of a later version": (raw, key, own) => {
    return raw.send("SET", key, Buffer.concat([Buffer.from("Z"), own]));
  },
  "a list": (raw, key) => raw.send("RPUSH", key, "a"),
  "a hash": (raw, key) => raw.send("HSET", key, "a", "b"),
  "a set": (raw, key) => raw.send("SADD", key, "a"),
  "a sorted set": (raw, key) => raw.send("ZADD", key, "1", "a"),
  "a stream": (raw, key) => raw.send("XADD", key, "*", "a", "b"),
};

/** What has the form of the rules' own values: no program can tell it from those. */
const READ: Readonly<Record<string, readonly string[]>> = {
  "a token bucket": ["16 digits", "16 digits, of 2100"],
  // A bucket of earlier rules, without a remainder, if the key expires as all of the store do.
  "a token bucket with a remainder": ["17 digits", "its own value, truncated"],
  "a fixed window": ["-9007199254740990"],
  "a large fixed window": ["-9007199254740990"],
  "a token bucket and permits": ["16 digits", "16 digits, of 2100"],
  // What begins as states of rules with rates do, which may stand there.
  "permits": ["true", "JSON", "bytes from 128 on", "its own value and a letter", "16 digits", "16 digits, of 2100"]
    .concat([
      "16 nines",
      "17 digits",
      "18 digits",
      "18 nines",
      "20 digits",
      "40 digits",
      "40 digits for an hour",
      "-9007199254740990",
    ])
    .concat(["-1234567890123456", "-12345678901234567"]),
};

/** A batch of buckets that are in use is taken from before it is looked at: then "0" reads as a key that is not there. */
const READ_IN_USE: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  "a token bucket": {
    "take in a batch": ["0", "0 for an hour"],
    "take in a mixed batch": ["0", "0 for an hour"],
  },
};

/** One limiter, under whose keys stand what is no state of it. */
export class ForeignKeys {
  /** What stands under the keys, which are called so. */
  readonly values: readonly string[] = Object.keys(VALUES);
  /** Asks about them. */
  readonly asker: Asker;
  /** Decides. */
  readonly store: RedisStore;
  readonly #rules: string;
  readonly #raw: RawRedis;
  readonly #names: KeyNames;

  /**
   * Writes nothing yet. The caller closes nothing.
   *
   * @param rules The rules, by their name.
   * @param services Where they are stored.
   */
  constructor(rules: string, { connection, raw, testScript }: ParityServices) {
    const keyPrefix = freshPrefix();
    this.#rules = rules;
    this.#raw = raw;
    this.#names = new KeyNames(keyPrefix);
    this.asker = new Asker(RULES[rules] as LimiterOptions);
    this.store = new RedisStore(connection, { keyPrefix, ...(testScript && { testScript }) });
  }

  /** Puts each value under its key. */
  async write(): Promise<void> {
    const raw = this.#raw;
    await raw.send("DEL", this.#main("own"));
    await this.store.execute(this.asker.take("own"));
    const own = Buffer.from(await raw.bytes(this.#main("own")) ?? "");
    await Promise.all(this.values.map(async (value) => {
      await raw.send("DEL", this.#main(value));
      await VALUES[value]?.(raw, this.#main(value), own);
    }));
  }

  /** Asks all that can be asked, and tells what was not refused alone, or changed a value. */
  async faults(): Promise<string[]> {
    const faults: string[] = [];
    for (const [name, verb] of Object.entries({ ...ALONE, ...BATCHED })) {
      await this.write();
      const before = await this.#held();
      const asked = this.values.map((value) => verb(this.asker, value));
      const replies = await this.#ask(name, verb, asked);
      const after = await this.#held();
      for (const [i, value] of this.values.entries()) {
        const isRead = READ[this.#rules]?.includes(value) || READ_IN_USE[this.#rules]?.[name]?.includes(value);
        const told = new Set<string>();
        for (const { targets } of asked[i] ?? []) {
          const reply = replies.shift();
          const isRefused = !isRead && targets.some(({ key }) => key === value);
          const reason = reply instanceof StoreError ? reply.reason ?? reply.message : "answered";
          if (reason !== (isRefused ? "foreign_state" : "answered")) told.add(reason);
        }
        if (!isRead && !isSame(before[i] as Held, after[i] as Held)) told.add("changed");
        if (told.size > 0) faults.push(`${value}: ${name}: ${[...told].join(", ")}`);
      }
    }
    return faults;
  }

  /** Asks about all values, and about other keys: what is about those must not fail. */
  async #ask(name: string, verb: Verb, asked: readonly StoreRequest[][]): Promise<unknown[]> {
    // All are in use when the batch comes: the script takes from such buckets before it looks at them.
    const used = Array.from({ length: 5 }, (_, i) => `${name} ${i}`);
    for (let i = 0; i < 2; i++) await executeAll(this.store, used.map((key) => this.asker.take(key)));
    if (name in ALONE) {
      const replies = [];
      for (const request of asked.flat()) replies.push(...await executeAll(this.store, [request]));
      return replies;
    }
    const others = used.flatMap((key) => verb(this.asker, key));
    const replies = await executeAll(this.store, [...others, ...asked.flat()]);
    const failed = replies.splice(0, others.length).find((reply) => reply instanceof StoreError);
    if (failed !== undefined) throw new Error(`${name}, about another key: ${failed}`);
    return replies;
  }

  #main(key: string): string {
    return this.#names.of(this.asker.of(key))[0] as string;
  }

  #held(): Promise<Held[]> {
    return Promise.all(this.values.map(async (value) => {
      const key = this.#main(value);
      return { dump: await this.#raw.dump([key]), ttlMs: Number(await this.#raw.send("PTTL", key)) };
    }));
  }
}

/** What stands under a key, and for how long. */
interface Held {
  readonly dump: string;
  readonly ttlMs: number;
}

function isSame(before: Held, after: Held): boolean {
  if (before.dump !== after.dump) return false;
  return before.ttlMs < 0 ? after.ttlMs === before.ttlMs : after.ttlMs > 0 && after.ttlMs <= before.ttlMs;
}

/** Fails if a request about a value that is not of these rules is not refused alone, or changes it. */
export function assertForeignLeft(rules: keyof typeof RULES): (services: ParityServices) => Promise<void> {
  return async (services) => assert.deepEqual(await new ForeignKeys(rules, services).faults(), []);
}
