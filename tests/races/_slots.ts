/**
 * One slot that processes queue for, looked at from outside: by what lies in Redis, not by what they say.
 *
 * @module
 */

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

import { createRateSync, type LimiterOptions, type RateSync } from "../../mod.ts";
import type { Worker } from "../_support/processes.ts";
import { openRawRedis, type RawRedis } from "../_support/raw_redis.ts";
import { freshPrefix, redisUrl } from "../_support/redis.ts";
import { startFleetWorker } from "./_fleet.ts";

/** Counts the leases that Redis believes in, at one instant of its own clock. */
const LIVE = "local t = redis.call('TIME'); return redis.call('ZCOUNT', KEYS[1], '(' .. t[1] .. " +
  "string.format('%06d', t[2]), '+inf')";

/** One limiter `slot`, and the processes around it. */
export class SlotScene implements AsyncDisposable {
  /** What every key begins with. */
  readonly prefix: string = freshPrefix();
  /** A connection beside all instances. */
  readonly raw: RawRedis;
  readonly #options: LimiterOptions;
  readonly #disposables: AsyncDisposable[] = [];

  private constructor(raw: RawRedis, options: LimiterOptions) {
    this.raw = raw;
    this.#options = options;
  }

  static async open(options: LimiterOptions): Promise<SlotScene> {
    return new SlotScene(await openRawRedis(), options);
  }

  /** Starts a process (see queue_worker.ts) and waits until it is ready. */
  async process(): Promise<Worker> {
    const { prefix } = this;
    const worker = startFleetWorker("queue_worker", { url: redisUrl(), prefix, limiters: { slot: this.#options } });
    this.#disposables.push(worker);
    assert.equal(await worker.readLine(), "ready");
    return worker;
  }

  /** An instance in this process. */
  instance(): RateSync<"slot"> {
    const rs = createRateSync({
      stores: { shared: { engine: "redis", url: redisUrl(), keyPrefix: this.prefix } },
      limiters: { slot: { onStoreError: "throw", ...this.#options } },
    });
    this.#disposables.push(rs);
    return rs;
  }

  /** Lets a process acquire, and waits until it is served. */
  async hold(worker: Worker, name: string): Promise<Grant> {
    worker.writeLine(`acquire ${name}`);
    return await granted(worker, name);
  }

  /** Lets a process acquire, and waits until it queues. */
  async queue(worker: Worker, name: string): Promise<void> {
    const before = await this.waiters();
    worker.writeLine(`acquire ${name}`);
    await this.queued(before + 1);
  }

  /** Waits until so many queue. */
  async queued(count: number): Promise<void> {
    for (let left = 1_000; await this.waiters() !== count; left--) {
      if (left === 0) {
        assert.fail(`${count} waiters never came about, but ${await this.waiters()}; granted: ${await this.order()}`);
      }
      await sleep(10);
    }
  }

  /** How many queue. */
  async waiters(): Promise<number> {
    return Number(await this.raw.send("ZCARD", `{${this.prefix}:slot}:waiters`));
  }

  /** How many hold a slot, as Redis believes. */
  async live(): Promise<number> {
    return Number(await this.raw.send("EVAL", LIVE, "1", `{${this.prefix}:slot}:leases`));
  }

  /** When the last lease ends, in microseconds by the clock of Redis. */
  async leaseEndUs(): Promise<number> {
    const last = await this.raw.send("ZRANGE", `{${this.prefix}:slot}:leases`, "-1", "-1", "WITHSCORES") as unknown[];
    return Number(last.flat()[1]);
  }

  /** The clock of Redis, in microseconds. */
  async nowUs(): Promise<number> {
    const [seconds, us] = await this.raw.send("TIME") as [string, string];
    return Number(seconds) * 1e6 + Number(us);
  }

  /** The names that were granted, in order. */
  async order(): Promise<string[]> {
    return await this.raw.send("LRANGE", `${this.prefix}:order`, "0", "-1") as string[];
  }

  /** Ends every process and instance. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const disposable of this.#disposables) await disposable[Symbol.asyncDispose]();
    await this.raw.close();
  }
}

/** What a process says when it is served. */
export interface Grant {
  /** The fencing token. */
  readonly fence: number;
  /** When, in microseconds by the clock of Redis. */
  readonly atUs: number;
}

/** Reads that a process was granted `name`. */
export async function granted(worker: Worker, name: string): Promise<Grant> {
  const [, , fence, atUs] = (await hear(worker, `granted ${name} `)).split(" ");
  return { fence: Number(fence), atUs: Number(atUs) };
}

/** The next line of a process that begins so: what it says about several calls may come in any order. */
export async function hear(worker: Worker, start: string): Promise<string> {
  const lines = heard.get(worker) ?? [];
  heard.set(worker, lines);
  for (;;) {
    const place = lines.findIndex((line) => line.startsWith(start));
    if (place >= 0) return lines.splice(place, 1)[0] as string;
    lines.push(await worker.readLine());
  }
}

/** Lines that came while another one was waited for. */
const heard = new WeakMap<Worker, string[]>();
