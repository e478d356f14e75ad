/**
 * Laws about how windows lie in Redis that parity cannot see: what other versions wrote, and instants years away.
 *
 * @module
 */

import assert from "node:assert/strict";

import { StoreError } from "../../src/base/errors.ts";
import type { LimiterOptions } from "../../src/policy/options.ts";
import { compilePolicy } from "../../src/policy/compile_policy.ts";
import { KeyNames } from "../../src/stores/redis/keys.ts";
import { RedisStore } from "../../src/stores/redis/redis_store.ts";
import type { StoreRequest, TakeReply, TakeRequest, Target } from "../../src/stores/store.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import type { ParityServices } from "./parity.ts";
import { freshPrefix } from "./redis.ts";

/** One key of a store with a clock of its own. */
class OneKey {
  readonly clock: FakeClock;
  readonly target: Target;
  readonly keys: readonly string[];
  readonly #store: RedisStore;

  constructor(
    { connection, testScript }: ParityServices,
    options: LimiterOptions,
    nowUs: number,
    keyPrefix: string = freshPrefix(),
  ) {
    this.clock = new FakeClock(nowUs);
    const settings = { keyPrefix, timingMarginMs: 600_000, testClock: this.clock };
    this.#store = new RedisStore(connection, { ...settings, ...(testScript && { testScript }) });
    this.target = { limiter: "l", key: "k", policy: compilePolicy(options), cost: 1, permits: 0 };
    this.keys = new KeyNames(keyPrefix).of(this.target);
  }

  ask(request: StoreRequest): Promise<TakeReply> {
    return this.#store.execute(request) as Promise<TakeReply>;
  }

  take(mode: TakeRequest["mode"], cost: number = 1): Promise<TakeReply> {
    const targets = [{ ...this.target, cost }];
    return this.ask({ op: "take", mode, maxWaitUs: 1e15, id: "i.1.d.0.1.1", arrivalUs: 0, targets });
  }

  async used(): Promise<number[]> {
    const { levels } = await this.take("peek");
    return levels[0]?.rates.map(([used]) => used) ?? [];
  }
}

const NOW_US = 1_767_225_600_000_000;
const SECOND_US = 1_000_000;

function doubles(...numbers: readonly number[]): Uint8Array {
  return new Uint8Array(new Float64Array(numbers).buffer);
}

function bytes(...parts: readonly (string | Uint8Array)[]): Uint8Array {
  return Uint8Array.from(
    parts.flatMap((part) => [...typeof part === "string" ? new TextEncoder().encode(part) : part]),
  );
}

/** A ring as version 0.1.0 wrote it: an instant for each unit, from a place on. */
function oldRing(head: number, stampsUs: readonly number[]): Uint8Array {
  const permits = stampsUs.length + 2;
  const places = new Float64Array(permits);
  stampsUs.forEach((stampUs, i) => places[(head + i) % permits] = stampUs);
  return bytes(
    "s",
    doubles(0),
    new Uint8Array(new Uint32Array([head, stampsUs.length, permits]).buffer),
    doubles(...places),
  );
}

/** Reads what version 0.1.0 wrote, and counts on from there. */
export async function assertOldRead(services: ParityServices): Promise<void> {
  const windowMs = 60_000;
  const fixed = { algorithm: "fixed_window", limit: 5, windowMs } as const;
  const counter = { algorithm: "sliding_window_counter", limit: 5, windowMs } as const;
  const exact = { algorithm: "sliding_window", limit: 5, windowMs } as const;
  const startUs = NOW_US - SECOND_US;
  const ring = oldRing(3, [startUs, startUs, startUs + 1, startUs + 2]);
  const cases: [LimiterOptions, Uint8Array[], number[]][] = [
    [fixed, [bytes("f", doubles(startUs, 3))], [3]],
    [counter, [bytes("c", doubles(startUs, 0, 3))], [3]],
    [counter, [bytes("c", doubles(startUs, 2, 1))], [3]],
    [exact, [ring], [4]],
    [{ limits: [fixed, counter, exact] }, [bytes("fcs", doubles(startUs, 3, startUs, 0, 2)), ring], [3, 2, 4]],
  ];
  for (const [options, stored, used] of cases) {
    const one = new OneKey(services, options, NOW_US);
    for (const [i, value] of stored.entries()) {
      await services.raw.send("SET", one.keys[i] as string, Buffer.from(value), "PX", "600000");
    }
    assert.deepEqual(await one.used(), used, `${JSON.stringify(options)} as stored`);
    assert.equal((await one.take("now")).status, "allowed");
    assert.deepEqual(await one.used(), used.map((units) => units + 1), `${JSON.stringify(options)} after a take`);
    assert.equal((await one.take("now", 5)).status, "rate");
  }
}

/** Counts units about the instant at which the 48 bits of one begin anew. */
export async function assertLogEras(services: ParityServices): Promise<void> {
  const eraUs = Math.ceil(NOW_US / 2 ** 48) * 2 ** 48;
  const one = new OneKey(services, { algorithm: "sliding_window", limit: 3, windowMs: 1_000 }, eraUs - 10);
  for (const [afterUs, status] of [[0, "allowed"], [20, "allowed"], [30, "allowed"], [40, "rate"]] as const) {
    one.clock.set(eraUs - 10 + afterUs);
    assert.equal((await one.take("now")).status, status, `${afterUs} µs later`);
  }
  one.clock.set(eraUs - 10 + SECOND_US);
  assert.deepEqual(await one.used(), [2]);
  // The clock of a server that steps back over that instant.
  one.clock.set(eraUs - 1);
  assert.deepEqual(await one.used(), [3]);
}

/** Refuses to take for an instant that cannot be stored, and leaves everything as it is. */
export async function assertFarRefused(services: ParityServices): Promise<void> {
  const one = new OneKey(services, { algorithm: "sliding_window", limit: 1, windowMs: 130_000_000 }, NOW_US);
  let failure: unknown;
  let taken = 0;
  for (; taken < 2_000 && failure === undefined; taken++) {
    failure = await one.ask({ op: "penalize", targets: [one.target] }).then(() => undefined, (error: unknown) => error);
  }
  assert.ok(failure instanceof StoreError, `${taken} windows ahead`);
  assert.match(failure.message, /years ahead/);
  assert.equal((await one.take("now")).status, "rate");
}

/** Gives back by marks of takes that this key never had: nothing is given back. */
export async function assertForeignMarks(services: ParityServices): Promise<void> {
  for (const algorithm of ["fixed_window", "sliding_window_counter", "sliding_window"] as const) {
    const one = new OneKey(services, { algorithm, limit: 5, windowMs: 1_000 }, NOW_US);
    const { nowUs, levels } = await one.take("now", 2);
    const [used, resetUs] = levels[0]?.rates[0] as readonly [number, number];
    for (const offUs of [-SECOND_US, -1, 1, SECOND_US]) {
      const marks = [[{ nowUs, atUs: nowUs, cost: 2, level: [used, resetUs + offUs] as const }]];
      await one.ask({ op: "giveBack", targets: [{ ...one.target, cost: 2 }], marks });
      assert.deepEqual(await one.used(), [2], `${algorithm}, ${offUs} µs off`);
    }
  }
}

/** Takes from a small log again after a third of its window. */
async function assertLivesOn(services: ParityServices): Promise<void> {
  for (const times of [1, 2]) {
    const one = new OneKey(services, { algorithm: "sliding_window", limit: 100, windowMs: 300_000 }, NOW_US);
    const [main] = one.keys as [string];
    await one.take("now");
    await services.raw.send("PEXPIRE", main, "1000");
    one.clock.set(NOW_US + 100 * SECOND_US);
    await Promise.all(Array.from({ length: times }, () => one.take("now")));
    const ttlMs = Number(await services.raw.send("PTTL", main));
    assert.ok(ttlMs > 300_000 + 590_000, `a log of ${1 + times} units lives for ${ttlMs} ms`);
  }
}

/** Takes from a large log once more: it lives until the newest unit has left the window. */
export async function assertLogLives(services: ParityServices): Promise<void> {
  const one = new OneKey(services, { algorithm: "sliding_window", limit: 100, windowMs: 300_000 }, NOW_US);
  for (let taken = 0; taken < 42; taken++) {
    await one.take("now");
    one.clock.set(NOW_US + taken + 1);
  }
  const [main] = one.keys as [string];
  await services.raw.send("PEXPIRE", main, "1000");
  await one.ask({ op: "penalize", targets: [one.target] });
  const ttlMs = Number(await services.raw.send("PTTL", main));
  assert.ok(ttlMs > 300_000 + 590_000, `a log of 43 runs lives for ${ttlMs} ms`);
  await assertLivesOn(services);
}

/** Makes the window of a used limiter longer: its key lives for the longer one from the next take on. */
export async function assertWindowChanged(services: ParityServices): Promise<void> {
  for (const algorithm of ["fixed_window", "sliding_window_counter", "sliding_window"] as const) {
    const keyPrefix = freshPrefix();
    // Of a fixed window, a value that is no integer.
    const before = new OneKey(services, { algorithm, limit: 5_000, windowMs: 1_000 }, NOW_US, keyPrefix);
    const after = new OneKey(services, { algorithm, limit: 5_000, windowMs: 3_600_000 }, NOW_US + 1, keyPrefix);
    await before.take("now");
    // Where the register is lost, the value itself tells.
    await services.raw.send("DEL", new KeyNames(keyPrefix).register("l"));
    const { levels } = await after.take("now");
    const spans = algorithm === "sliding_window_counter" ? 2 : 1;
    assert.deepEqual(levels[0]?.rates, [[2, spans * 3_600 * SECOND_US]], algorithm);
    const ttlMs = Number(await services.raw.send("PTTL", after.keys[0] as string));
    assert.ok(ttlMs > 3_600_000, `${algorithm}: it lives for ${ttlMs} ms`);
  }
}

/** The same where there are several limits, and where the rules of before are those that were registered. */
export async function assertWindowsChanged(services: ParityServices): Promise<void> {
  for (const algorithm of ["fixed_window", "sliding_window_counter"] as const) {
    const [before, after] = [1_000, 3_600_000].map((windowMs, i) => {
      const limits = [{ algorithm, limit: 5, windowMs }, { limit: 9, windowMs: 60_000 }];
      return new OneKey(services, { limits }, NOW_US + i);
    }) as [OneKey, OneKey];
    await before.take("now");
    const [from, to] = [before, after].map(({ keys }) => keys[0]) as [string, string];
    const ttl = String(await services.raw.send("PTTL", from));
    await services.raw.send("SET", to, Buffer.from(await services.raw.bytes(from) as Uint8Array), "PX", ttl);
    await after.take("now");
    assert.equal((await after.used())[0], 2, algorithm);
    const ttlMs = Number(await services.raw.send("PTTL", to));
    assert.ok(ttlMs > 3_600_000, `${algorithm}: it lives for ${ttlMs} ms`);
  }
}

/** Peeks at a key that holds no string: it fails, and stays as it is. */
export async function assertPeekFails(services: ParityServices): Promise<void> {
  for (const algorithm of ["fixed_window", "sliding_window_counter", "sliding_window"] as const) {
    const one = new OneKey(services, { algorithm, limit: 5, windowMs: 1_000 }, NOW_US);
    const [main] = one.keys as [string];
    await services.raw.send("HSET", main, "a", "b");
    await assert.rejects(one.take("peek"), /WRONGTYPE/, algorithm);
    assert.equal(await services.raw.send("HGET", main, "a"), "b");
  }
}

/** Steps the clock back behind the start of a window: it starts over where the clock is, with its units. */
export async function assertStartsAgain(services: ParityServices): Promise<void> {
  const kinds = [["fixed_window", 5, 1], ["fixed_window", 5_000, 1], ["sliding_window_counter", 5, 2]] as const;
  for (const [algorithm, limit, spans] of kinds) {
    const one = new OneKey(services, { algorithm, limit, windowMs: 1_000 }, NOW_US);
    await one.take("now");
    one.clock.set(NOW_US - 500_000);
    for (const [mode, used] of [["peek", 1], ["now", 2]] as const) {
      const { status, levels } = await one.take(mode);
      assert.deepEqual([status, levels[0]?.rates[0]], ["allowed", [used, spans * SECOND_US]], `${algorithm}, ${mode}`);
    }
  }
}

/** How much of a start an integer keeps: what is stored at the end of one turn of the clock is read in the next. */
const TURN_US = 2 ** 41;

/** Takes from a fixed window before and after the clock has turned, forward and back. */
export async function assertTurns(services: ParityServices): Promise<void> {
  const turnUs = Math.ceil(NOW_US / TURN_US) * TURN_US;
  const one = new OneKey(services, { algorithm: "fixed_window", limit: 5, windowMs: 1_000 }, turnUs - 5);
  await one.take("now");
  assert.match(new TextDecoder().decode(await services.raw.bytes(one.keys[0] as string)), /^-\d{16}$/);
  one.clock.set(turnUs + 5);
  assert.deepEqual((await one.take("now")).levels[0]?.rates, [[2, SECOND_US - 10]]);
  assert.deepEqual((await one.take("peek")).levels[0]?.rates, [[2, SECOND_US - 10]]);
  const other = new OneKey(services, { algorithm: "fixed_window", limit: 5, windowMs: 1_000 }, turnUs + 5);
  await other.take("now");
  other.clock.set(turnUs - 5);
  assert.deepEqual((await other.take("now")).levels[0]?.rates, [[2, SECOND_US]]);
}

/** Counts beyond what an integer keeps beside the start, in a new window and in one of before the limit was raised. */
export async function assertManyCounted(services: ParityServices): Promise<void> {
  const keyPrefix = freshPrefix();
  const few = new OneKey(services, { algorithm: "fixed_window", limit: 100, windowMs: 1_000 }, NOW_US, keyPrefix);
  const many = new OneKey(
    services,
    { algorithm: "fixed_window", limit: 9_000, windowMs: 1_000 },
    NOW_US + 1,
    keyPrefix,
  );
  await few.take("now");
  for (const used of [3_001, 6_001]) {
    await many.take("now", 3_000);
    assert.deepEqual(await many.used(), [used]);
  }
  assert.equal((await many.take("now", 3_000)).status, "rate");
  many.clock.set(NOW_US + SECOND_US);
  assert.deepEqual((await many.take("now", 2_000)).levels[0]?.rates, [[2_000, SECOND_US]]);
}

/** Numbers that another program keeps where a fixed window should be: they fail, and stay as they are. */
export async function assertForeignKept(services: ParityServices): Promise<void> {
  for (
    const value of ["-1", "-12345", "-4503599627370495", "-9007199254740993", "-1.5", "-45035996273704960", "-0x1p60"]
  ) {
    const one = new OneKey(services, { algorithm: "fixed_window", limit: 5, windowMs: 1_000 }, NOW_US);
    await services.raw.send("SET", one.keys[0] as string, value, "PX", "60000");
    for (const mode of ["now", "peek"] as const) {
      await assert.rejects(one.take(mode), (error: unknown) => error instanceof StoreError, value);
    }
    assert.equal(new TextDecoder().decode(await services.raw.bytes(one.keys[0] as string)), value);
  }
}

/** Steps the clock back into a log of several pages: what is ahead becomes one run, and the run that decides is found. */
export async function assertLogCut(services: ParityServices): Promise<void> {
  const windowUs = 3_600 * SECOND_US;
  const one = new OneKey(services, { algorithm: "sliding_window", limit: 400, windowMs: windowUs / 1_000 }, NOW_US);
  for (let run = 0; run < 150; run++) {
    one.clock.set(NOW_US + run);
    await one.take("now", 2);
  }
  // 100 runs stay, up to where the clock is; the other 100 units stand there too.
  one.clock.set(NOW_US + 99);
  assert.equal((await one.take("peek", 101)).waitUs, windowUs - 99);
  assert.equal((await one.take("now", 101)).waitUs, windowUs - 99);
  // The run that was cut stands in the second page, which is not the last one any more then.
  for (let run = 100; run < 145; run++) {
    one.clock.set(NOW_US + run);
    await one.take("now");
  }
  for (const [excess, deciding] of [[1, 0], [128, 63], [198, 98], [200, 99], [301, 100], [340, 139]] as const) {
    const { waitUs } = await one.take("now", 400 - 345 + excess);
    assert.equal(waitUs, deciding + windowUs - 144, `${excess} too many`);
  }
}

/** Takes two units at a time, over three pages of a log: the run that decides is found by its units. */
export async function assertPagesSummed(services: ParityServices): Promise<void> {
  const [windowUs, limit, runs] = [3_600 * SECOND_US, 600, 220];
  for (const verb of ["penalize", "take", "merged"] as const) {
    const one = new OneKey(services, { algorithm: "sliding_window", limit, windowMs: windowUs / 1_000 }, NOW_US);
    for (let run = 0; run < runs; run++) {
      one.clock.set(NOW_US + run);
      if (verb === "take") await one.take("now", 2);
      else if (verb === "merged") await Promise.all([one.take("now"), one.take("now")]);
      else await one.ask({ op: "penalize", targets: [{ ...one.target, cost: 2 }] });
    }
    for (const excess of [1, 100, 160, 258, 300, 430]) {
      const { waitUs } = await one.take("now", limit - 2 * runs + excess);
      const deciding = Math.ceil(excess / 2) - 1;
      assert.equal(waitUs, deciding + windowUs - (runs - 1), `${verb}, ${excess} too many`);
    }
  }
}

/** Takes from logs that have room: behind a block, after a step back, with a run just gone, and with places used again. */
export async function assertRoomyLogs(services: ParityServices): Promise<void> {
  const open = () => new OneKey(services, { algorithm: "sliding_window", limit: 5, windowMs: 1_000 }, NOW_US);
  const blocked = open();
  await blocked.take("now");
  await blocked.ask({ op: "block", targets: [blocked.target], durationUs: SECOND_US, keepLonger: false });
  blocked.clock.set(NOW_US + 1);
  assert.equal((await blocked.take("now")).status, "blocked");

  const back = open();
  await back.take("now", 2);
  back.clock.set(NOW_US - SECOND_US / 2);
  assert.deepEqual((await back.take("now")).levels[0]?.rates, [[3, SECOND_US]]);
  back.clock.set(NOW_US + SECOND_US / 2 - 1);
  await back.take("now");
  back.clock.set(NOW_US + SECOND_US / 2);
  assert.deepEqual(await back.used(), [1]);

  const gone = open();
  for (const afterUs of [0, 1]) {
    gone.clock.set(NOW_US + afterUs);
    await gone.take("now");
  }
  gone.clock.set(NOW_US + SECOND_US);
  assert.deepEqual((await gone.take("now")).levels[0]?.rates, [[2, SECOND_US]]);

  const again = open();
  for (let i = 0; i < 40; i++) {
    again.clock.set(NOW_US + i * SECOND_US / 4);
    assert.deepEqual((await again.take("now")).levels[0]?.rates, [[Math.min(i + 1, 4), SECOND_US]]);
  }

  const many = new OneKey(services, { algorithm: "sliding_window", limit: 50, windowMs: 1_000 }, NOW_US);
  for (let i = 0; i < 20; i++) {
    many.clock.set(NOW_US + i);
    await many.take("now");
  }
  many.clock.set(NOW_US + SECOND_US + 5);
  assert.deepEqual(await many.used(), [14]);
}
