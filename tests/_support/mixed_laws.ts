/**
 * Two processes with different rules, in a fixed order, against what they should decide: for mistakes in the scripts.
 *
 * @module
 */

import assert from "node:assert/strict";

import { algorithmOf } from "../../src/algorithms/mod.ts";
import type { LimiterOptions } from "../../src/policy/options.ts";
import type { Policy } from "../../src/policy/policy.ts";
import { compilePolicy } from "../../src/policy/compile_policy.ts";
import { MixedKey, Model } from "../stores/mixed_rules/_mixed_rules.ts";
import { Processes } from "../stores/mixed_rules/_processes.ts";
import type { ParityServices } from "./parity.ts";

const MINUTE = { limit: 5, windowMs: 60_000 };
const POLICIES = [
  MINUTE,
  { limit: 9, windowMs: 90_000 },
  { limit: 7, windowMs: 60_000 },
  { ...MINUTE, algorithm: "sliding_window" },
  { ...MINUTE, algorithm: "fixed_window" },
  { limits: [{ ...MINUTE, limit: 7 }, { algorithm: "sliding_window", limit: 9, windowMs: 120_000 }] },
] as const;

/** Takes by turns under each pair of rules: every unit counts under both, to the integer. */
export async function assertMixedRules(services: ParityServices): Promise<void> {
  const policies = POLICIES.map((options) => compilePolicy(options));
  for (const one of policies) {
    for (const other of policies.filter((policy) => policy !== one)) {
      const [key, model] = [new MixedKey("redis", services), new Model()];
      for (let i = 0; i < 24; i++) {
        const process = (i % 5 < 2 ? 0 : 1) as 0 | 1;
        const policy = [one, other][process] as Policy;
        const cost = i % 4 === 0 ? 3 : 1;
        key.pass(i * 1_000_003 % 17_000_000);
        const { waitUs, levels } = await key.ask(process, policy, cost);
        const actual = { waitUs, levels: levels[0]?.rates.map(([first, second]) => [first, second]) };
        assert.deepEqual(actual, model.take(policy, cost, key.clock.nowUs()), `step ${i}`);
      }
    }
  }
}

const HOURS: readonly LimiterOptions[] = [
  { algorithm: "fixed_window", limit: 20, windowMs: 3_600_000 },
  { algorithm: "fixed_window", limit: 30, windowMs: 7_200_000 },
  { algorithm: "sliding_window_counter", limit: 20, windowMs: 3_600_000 },
  { algorithm: "sliding_window", limit: 20, windowMs: 3_600_000 },
  { algorithm: "sliding_window", limit: 30, windowMs: 7_200_000 },
  { limit: 20, windowMs: 3_600_000 },
  { limit: 60, windowMs: 3_600_000 },
];

/** Pairs of rules that one small script knows, of 100 s at most. */
const MIXED: readonly (readonly [LimiterOptions, LimiterOptions])[] = [
  [{ limit: 5, windowMs: 60_000 }, { limit: 7, windowMs: 100_000 }],
  [{ limit: 7, windowMs: 60_000 }, { algorithm: "fixed_window", limit: 5, windowMs: 90_000 }],
  [{ algorithm: "fixed_window", limit: 5, windowMs: 60_000 }, {
    algorithm: "fixed_window",
    limit: 8,
    windowMs: 90_000,
  }],
];

/** Scripts that decide fast, by algorithm. The values of a token bucket do not name it. */
const FAST: Readonly<Record<string, string>> = {
  fixed_window: "fixed_window",
  sliding_window_counter: "sliding_window_counter",
  sliding_window: "sliding_window",
  token_bucket: "take_mixed",
};

/** While different rules are in use, each key of single buckets and fixed windows has one slow take by each, at most. */
export async function assertMixedFast(services: ParityServices): Promise<void> {
  const known = HOURS.filter(({ algorithm = "fixed_window" }) => algorithm === "fixed_window");
  for (const one of [...known, { ratePerSecond: 3, burst: 20 }]) {
    for (const other of known.filter((options) => options !== one)) {
      const fleet = new Processes(services, [compilePolicy(one), compilePolicy(other)]);
      const name = JSON.stringify([one, other]);
      await fleet.ask(0, 1, "old");
      await fleet.ask(1, 1, "other");
      await fleet.pass(31);
      await fleet.ask(0, 1, "other");
      await fleet.pass(0);
      for (const key of ["old", "new"]) {
        for (const process of [0, 1]) {
          await fleet.ask(process, 1, key);
          assert.equal(
            fleet.scripts.filter((script) => script !== "coordinate").join(),
            "take_mixed",
            `${name}, ${key}`,
          );
        }
        for (const process of [0, 1, 0, 1, 1]) {
          await fleet.ask(process, 2, key);
          assert.deepEqual(fleet.scripts, ["take_mixed"], `${name}, ${key}, process ${process}`);
        }
      }
    }
  }
}

/**
 * A process is alone, and others come: it keeps what they count, though it has not heard of them yet. Its own bucket has
 * forgotten by then what was taken.
 */
export async function assertRulesThatCome(services: ParityServices): Promise<void> {
  const fleet = new Processes(
    services,
    [{ limit: 2, windowMs: 1_000 }, { limit: 3, windowMs: 100_000 }]
      .map((options) => compilePolicy(options)),
  );
  for (const [process, cost, seconds] of [[0, 1, 0], [1, 2, 0.1], [0, 1, 1.2], [1, 1, 0], [0, 1, 0.1]] as const) {
    await fleet.pass(seconds);
    await fleet.ask(process, cost);
  }
}

/** Other rules count what is taken from a key of which nothing was stored, and it lives as long as they need. */
export async function assertNewKeysCount(services: ParityServices): Promise<void> {
  const fleet = new Processes(
    services,
    [{ limit: 10, windowMs: 60_000 }, { limit: 2, windowMs: 1_000 }]
      .map((options) => compilePolicy(options)),
  );
  await fleet.ask(0, 1, "x");
  await fleet.pass(1);
  await fleet.ask(1, 2);
  assert.deepEqual(fleet.scripts, ["take_mixed"]);
  assert.ok(await fleet.lifeMs("k") > 10_000, "it does not live long enough");
  await fleet.pass(1.5);
  await fleet.ask(0, 9);
}

/** A peek tells what a take would, and callers who wait are promised the instant that a denial tells. */
export async function assertMixedWaits(services: ParityServices): Promise<void> {
  for (const [one, other] of MIXED) {
    const fleet = new Processes(services, [one, other].map((options) => compilePolicy(options)));
    for (const process of [0, 1, 0, 1]) {
      const name = JSON.stringify([one, other, process]);
      await fleet.ask(process, 1);
      const peeks = [await fleet.ask(process, 1, "k", "peek"), await fleet.ask(process, 1, "k", "peek")];
      assert.deepEqual(peeks[0]?.levels, peeks[1]?.levels, name);
      while ((await fleet.ask(process, 1)).status === "allowed") await fleet.pass(0.01);
      const { waitUs } = await fleet.ask(process, 1);
      assert.equal((await fleet.ask(process, 1, "k", "peek")).waitUs, waitUs, name);
      const waits = await fleet.ask(process, 1, "k", "wait");
      assert.deepEqual([waits.status, waits.waitUs], ["allowed", waitUs], name);
      await fleet.pass(200);
    }
  }
}

/** No wait is longer than a full refill after the clock has stepped back. */
export async function assertMixedSteps(services: ParityServices): Promise<void> {
  for (const [one, other] of MIXED) {
    for (const process of [0, 1]) {
      const fleet = new Processes(services, [one, other].map((options) => compilePolicy(options)));
      for (const each of [0, 1, 0, 1]) await fleet.ask(each, 1);
      while ((await fleet.ask(process, 1)).status === "allowed");
      await fleet.pass(-3_600);
      const { waitUs } = await fleet.ask(process, 1);
      assert.ok(waitUs <= 100_000_000, `${JSON.stringify([one, other])}: a wait of ${waitUs} µs`);
    }
  }
}

/** The log of a limit is known by its window, whichever rules are plain. */
export async function assertLogsNamed(services: ParityServices): Promise<void> {
  const minute = 60_000;
  const old = compilePolicy({ algorithm: "sliding_window", limit: 4, windowMs: minute });
  const now = compilePolicy({ algorithm: "sliding_window", limit: 8, windowMs: 5 * minute });
  const fleet = new Processes(services, [old, now, compilePolicy({ limit: 5, windowMs: minute })]);
  for (
    const [process, cost, seconds] of [[0, 1, 0], [1, 1, 91], [1, 6, 209], [2, 1, 0], [1, 2, 0], [1, 1, 0]] as const
  ) {
    await fleet.pass(seconds);
    await fleet.ask(process, cost);
  }
}

/** The old rules have signed off: each key has one slow take, and then fast ones. */
export async function assertRulesThatGo(services: ParityServices): Promise<void> {
  for (const [i, before] of HOURS.entries()) {
    for (const now of HOURS.filter((options) => options !== before)) {
      const fleet = new Processes(services, [compilePolicy(before), compilePolicy(now)]);
      const fast = FAST[now.algorithm ?? "token_bucket"];
      const name = `${i}: ${JSON.stringify([before, now])}`;
      for (const key of ["plain", "mixed"]) await fleet.ask(0, 2, key);
      await fleet.ask(1, 1, "mixed");
      assert.equal(fleet.scripts.at(-1), "coordinate", `${name} at once`);
      await fleet.end(0, true);
      await fleet.pass(20);
      await fleet.ask(1, 1, "other");
      await fleet.pass(0);
      for (const [key, used] of [["plain", 2], ["mixed", 3]] as const) {
        const slow = await fleet.ask(1, 1, key);
        const left = compilePolicy(now).rates.map((rate, place) => {
          return algorithmOf(rate.algorithm).standing(rate, slow.levels[0]?.rates[place] ?? [0, 0]).remaining;
        });
        assert.deepEqual(left, [(now.limit as number) - used - 1], `${name}, ${key}: what was used counts`);
        await fleet.ask(1, 1, key);
        assert.deepEqual(fleet.scripts, [fast], `${name}, ${key}: the second take`);
      }
    }
  }
}
