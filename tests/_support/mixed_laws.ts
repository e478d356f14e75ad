/**
 * Two processes with different rules, in a fixed order, against what they should decide: for mistakes in the scripts.
 *
 * @module
 */

import assert from "node:assert/strict";

import { algorithmOf } from "../../src/algorithms/mod.ts";
import type { LimiterOptions } from "../../src/policy/options.ts";
import { compilePolicy, type Policy } from "../../src/policy/policy.ts";
import { MixedKey, Model } from "../stores/mixed_rules/_mixed_rules.ts";
import { Processes } from "../stores/mixed_rules/_processes.ts";
import type { ParityServices } from "./parity.ts";

const MINUTE = { limit: 5, windowMs: 60_000 };
const POLICIES = [
  MINUTE,
  { limit: 9, windowMs: 90_000 },
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
];

/** Scripts that decide fast, by algorithm; of a token bucket whose values do not name it yet, none. */
const FAST: Readonly<Record<string, string>> = {
  fixed_window: "fixed_window",
  sliding_window_counter: "sliding_window_counter",
  sliding_window: "sliding_window",
};

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
      assert.deepEqual(fleet.scripts, ["coordinate"], `${name} at once`);
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
        assert.deepEqual(fleet.scripts, [fast ?? "coordinate"], `${name}, ${key}: the second take`);
      }
    }
  }
}
