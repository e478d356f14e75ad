/**
 * Two processes with different rules, in a fixed order, against what they should decide: for mistakes in the scripts.
 *
 * @module
 */

import assert from "node:assert/strict";

import { compilePolicy, type Policy } from "../../src/policy/policy.ts";
import { MixedKey, Model } from "../stores/mixed_rules/_mixed_rules.ts";
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
