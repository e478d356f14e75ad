/**
 * Which rules processes use for limiters, as the registers in Redis tell (register.lua).
 *
 * @module
 */

import { groupBy } from "../../base/group_by.ts";
import type { NamedPolicy } from "../../policy/policy.ts";
import type { RulesInUse } from "../inspection.ts";
import type { RedisConnection } from "./connections/connection.ts";
import { checkKey } from "./check.ts";
import { hashSlot } from "./hash_slot.ts";
import type { KeyNames } from "./keys.ts";
import { check, texts } from "./scripts.gen.ts";

/** A register is shorter than this, in bytes. */
const MAX_REGISTER = 65_536;

/** How many registers one call reads. */
const KEYS_A_CALL = 256;

/** Lines in front of the rules, and lines for each. */
const HEAD = 3;
const EACH = 5;

/** Rules that were not seen for so long are in use no more, in milliseconds: as register.lua says. */
const IN_USE_MS = 300_000;

/** Reads the registers of limiters. */
export async function readRules(
  connection: RedisConnection,
  names: KeyNames,
  limiters: readonly NamedPolicy[],
): Promise<RulesInUse[]> {
  const time = await connection.run(check, [checkKey(names.common)], []) as readonly unknown[];
  const nowMs = Number(time[0]) * 1_000 + Number(time[1]) / 1_000;
  const isCluster = connection.cluster !== undefined;
  const named = limiters.map(({ limiter }) => ({ limiter, key: names.register(limiter) }));
  // A call may declare keys of one slot only.
  const calls = [...groupBy(named, ({ key }, i) => isCluster ? hashSlot(key) : Math.floor(i / KEYS_A_CALL)).values()];
  const found = await Promise.all(calls.map(async (together) => {
    const reply = await connection.run(texts, together.map(({ key }) => key), [String(MAX_REGISTER)]);
    return together.flatMap(({ limiter }, i) => {
      const text = Array.isArray(reply) ? reply[i] : undefined;
      return typeof text === "string" ? rulesIn(limiter, text, nowMs) : [];
    });
  }));
  return found.flat();
}

function rulesIn(limiter: string, text: string, nowMs: number): RulesInUse[] {
  const lines = text.split("\n");
  const rules: RulesInUse[] = [];
  for (let at = HEAD; at + EACH <= lines.length; at += EACH) {
    const [words = "", seenUs = "", counts = ""] = [lines[at + 1], lines[at + 2], lines[at + 4]];
    const seenAgoMs = Math.max(nowMs - Number(seenUs) / 1_000, 0);
    const [, , before = 0, present = 0] = counts.split(" ").map(Number);
    if (seenAgoMs < IN_USE_MS) {
      rules.push({ limiter, rules: words, seenAgoMs, processes: Math.max(before, present, 1) });
    }
  }
  return rules;
}
