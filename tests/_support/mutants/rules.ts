/**
 * Mistakes in the Lua of corrections, and of several limiters and rules.
 *
 * @module
 */

import type { LimiterOptions } from "../../../src/policy/options.ts";
import type { Step } from "../arbitraries.ts";
import { assertForeignMarks } from "../window_laws.ts";
import {
  assertMixedRules,
  assertMixedSteps,
  assertMixedWaits,
  assertNewKeysCount,
  assertRulesThatCome,
  assertRulesThatGo,
} from "../mixed_laws.ts";
import { assertRegister } from "../../stores/mixed_rules/_rule_register.ts";
import { assertBlockLifted, assertFailsAlone, assertFarKept } from "../redis_laws.ts";
import { assertParity, type ParityServices } from "../parity.ts";
import { type Mutant, mutants } from "./mutant.ts";
import { sequence, SHORT_LOG } from "./sequences.ts";

/** Takes all there is, resets, and takes again, on both stores: random sequences rarely meet what still counts. */
async function assertResetFrees(services: ParityServices): Promise<void> {
  const step = (ask: Step["ask"], share: number): Step => ({ move: { by: "us", us: 0 }, ask, share, pick: 0 });
  const steps = [step("now", 1), step("reset", 1), step("now", 1)];
  const minute = { algorithm: "sliding_window", limit: 1, windowMs: 60_000 } as const;
  const bucket = { limit: 2, windowMs: 60_000 };
  for (const limiter of [{ maxConcurrent: 1 }, { limits: [minute, { ...minute, limit: 2 }] }, bucket]) {
    await assertParity([limiter], 1_767_225_600_000_000, steps, services);
  }
}

/** Blocks for a microsecond, and again for none: the second block keeps the first or replaces it, as it says. */
function blockedTwice(limiter: LimiterOptions, keepLonger: boolean): ReturnType<typeof sequence> {
  return sequence(
    limiter,
    { ask: "block", share: 1e-4, pick: 0 },
    { ask: "block", pick: keepLonger ? 1 : 0 },
    { ask: "now" },
  );
}

const assertLongerBlockKept = blockedTwice({ limit: 1, windowMs: 0.013, maxConcurrent: 1 }, true);

const assertBlockReplaced = blockedTwice({ limits: [SHORT_LOG, SHORT_LOG] }, false);

/** The mistakes. */
export const RULES: readonly Mutant[] = [
  ...mutants(
    "decide.lua",
    ["peek writes", 'if allowed and mode ~= "2" then\nfor', "if allowed then\nfor"],
    [
      "only the last target asked",
      "at = max(at, plan(target))\nblocked = max(blocked, target.blocked)\nend\nlocal allowed",
      "at = plan(target)\nblocked = max(blocked, target.blocked)\nend\nlocal allowed",
    ],
    ["a wait that is too long accepted", '(mode == "1" and at - now <= max_wait)\nif', '(mode == "1")\nif'],
  ),
  ...mutants(
    "_corrections.lua",
    ["the place of others given back", "if part.promised_of(state, limit) > now then return state end", ""],
    [
      "the newest take not known",
      "if same(ends, state) and same(before, back) and mark.cost > 0 then",
      "if false then",
    ],
    [
      "the newest take known by its end alone",
      "if same(ends, state) and same(before, back) and mark.cost > 0 then",
      "if same(ends, state) and mark.cost > 0 then",
    ],
    [
      "a bucket that was idle left as if it had not been",
      "if all and trace[4] >= 0 then to = { us = trace[4], rem = trace[5] } end",
      "",
    ],
    ["a promise that is kept although its waiter left", "promised = all and trace[3] or", "promised ="],
    [
      "what was given back in front forgotten",
      "part.shorter(part.minus(ends, part.in_front(back, share, before, limit), limit), state)",
      "part.shorter(ends, state)",
    ],
    ["given back although it is full since", "if stands.us < now then return state end", ""],
    [
      "more given back than what is left of it",
      "local cut = part.shorter(span(units, limit), { us = stands.us - now, rem = stands.rem })",
      "local cut = span(units, limit)",
    ],
    [
      "better than fresh after a refund",
      "local cut = part.shorter(span(units, limit), { us = state.us - now, rem = state.rem })",
      "local cut = span(units, limit)",
    ],
    [
      "another window given back",
      "if low > 0 and (not exact or window_at(windows, low - 1) == start) then return low - 1 end",
      "if low > 0 then return low - 1 end",
      assertForeignMarks,
    ],
    ["a count below zero", "local taken = min(units, count)\n", "local taken = units\n"],
    ["windows that no call relies on kept", "if count > 0 then break end", "do break end"],
    [
      "what fades forgotten with the window in which it does",
      'if kept == "" and previous > 0 and windows ~= "" then',
      "if false then",
    ],
    ["the window before not given back", "previous = max(previous - units, 0)", ""],
  ),
  ...mutants(
    "_request_corrections.lua",
    [
      "a block that does not last",
      "local ends = duration > 0 and now + duration or 0",
      "local ends = duration > 0 and now or 0",
    ],
    [
      "a longer block cut short",
      "if not keep_longer or ends > target.blocked then",
      "if true then",
      assertLongerBlockKept,
    ],
    [
      "a block kept whatever the new one says",
      "if not keep_longer or ends > target.blocked then",
      "if ends > target.blocked then",
      assertBlockReplaced,
    ],
    [
      "the block of windows that is not lifted",
      "target.policy.rings == #target.policy.rates then",
      'target.policy.shape == "" then',
      assertBlockLifted,
    ],
    ["no waiter served when a block is lifted", "if duration == 0 and target.policy.permits > 0 then", "if false then"],
    [
      "leases left behind by a reset",
      '\ncall("ZREMRANGEBYSCORE", target.leases, "1", "+inf")',
      "\n",
      assertResetFrees,
    ],
    ["rings left behind by a reset", 'call("DEL", key)', "", assertResetFrees],
    [
      "a reset that forgets what it has ended",
      'if rate.letter == "t" then states[i] =',
      "if false then states[i] =",
      assertResetFrees,
    ],
    ["charged for any time", "charged[i] = at <= 2 ^ 53 - 2 ^ 51 and 1 or 0", "charged[i] = 1", assertFarKept],
  ),
  ...mutants(
    "_target.lua",
    ["a target that is asked for one more", "cost = cost,", "cost = cost + 1,"],
  ),
  ...mutants(
    "_guarded.lua",
    ["a failure told as if it were a reply", "return message\nend", "return { 1, 0 }\nend", assertFailsAlone],
    ["a failure that takes the others with it", "return message\nend", "error(message, 0)\nend", assertFailsAlone],
  ),
  ...mutants(
    "_mixed.lua",
    [
      "a unit that a bucket of other rules does not count",
      "state = rate.kernel.take(state, at, min(units, rate.capacity), rate)",
      "state = state",
      assertMixedRules,
    ],
    [
      "a bucket that is full earlier read as later",
      "put(later >= 0 and 2 * later or 1 - 2 * later)",
      "put(2 * math.abs(later))",
      assertMixedRules,
    ],
    ["what other rules count not stored", "if #sections < MOST_SECTIONS then", "if false then", assertMixedRules],
    [
      "what others count that have come forgotten",
      "return alone_at > 0 and units >= 0 and (floor(now / STAMP_US) - stamp) % 256 > units",
      "return alone_at > 0",
      assertRulesThatCome,
    ],
    [
      "what others count that have gone kept",
      "return alone_at > 0 and units >= 0 and (floor(now / STAMP_US) - stamp) % 256 > units",
      "return false",
      assertRulesThatGo,
    ],
    [
      "a value without the time at which others were in use",
      "local stamp = policy.alone_at > 0 and target.stamp or floor(now / STAMP_US) % 256",
      "local stamp = 0",
      assertRulesThatCome,
    ],
    ["a single window kept with all rules", "and (is_plain or has_name) and", "and is_plain and", assertRulesThatGo],
  ),
  ...mutants(
    "_put.lua",
    ["groups of a number that do not go on", "char(left % 128 + 128)", "char(left % 128)", assertMixedRules],
  ),
  ...mutants(
    "take_mixed.lua",
    [
      "a unit that other rules do not count",
      "local us, rem = taken(limit, firsts[i], seconds[i], cost)",
      "local us, rem = taken(limit, firsts[i], seconds[i], 0)",
      assertMixedRules,
    ],
    [
      "a bucket of other rules that owes more than it holds",
      "us, rem = most_us, limit.burst_rem",
      "us, rem = us, rem",
      assertMixedRules,
    ],
    [
      "a microsecond lost by remainders",
      "us, rem = us + 1, rem - limit.denominator",
      "us, rem = us, rem - limit.denominator",
      assertMixedRules,
    ],
    [
      "a window that starts anew at each take",
      "if now < first + limit.window then return first, second + units end",
      "",
      assertMixedRules,
    ],
    ["a window one unit too large", "next_second > capacity then", "next_second > capacity + 1 then", assertMixedRules],
    [
      "a bucket that is full earlier read as later",
      "(later % 2 == 0 and later or 1 - later)",
      "later",
      assertMixedRules,
    ],
    ["a caller who waits denied", 'if wait <= max_wait then return "RULES" end', "", assertMixedWaits],
    ["a peek that takes", "if peeks then return tell(level(own, first, second)) end", "", assertMixedWaits],
    ["other rules that do not count a new key", "add(plain, 0, 0)", "", assertNewKeysCount],
    ["time to live of the rules that take", "until_us = max(until_us, ends)", "", assertNewKeysCount],
    ["a window ahead of the clock", "return first <= now end", "return true end", assertMixedSteps],
    [
      "a bucket ahead of the clock",
      "return limit.burst_us < SPAN_US / 8 and (first < most_us or (first == most_us and second <= limit.burst_rem))",
      "return true",
      assertMixedSteps,
    ],
    ["a bucket of other rules read as one's own", "if not plain or", "if", assertRulesThatGo],
  ),
  ...mutants(
    "_run_list.lua",
    [
      "a list that never makes wait",
      "if excess <= 0 then at = max(at, run.at + limit.window) end",
      "if excess <= 0 then break end",
      assertMixedRules,
    ],
  ),
  ...mutants(
    "_run_log_lists.lua",
    [
      "runs of a log read as one unit each",
      "list.runs[#list.runs + 1] = { at = at, units = units }",
      "list.runs[#list.runs + 1] = { at = at, units = 1 }",
      assertMixedRules,
    ],
  ),
  ...mutants(
    "_take_over.lua",
    [
      "what other rules have counted forgotten",
      "states[i] = from_runs(runs, limit)",
      "states[i] = limit.kernel.fresh()",
      assertMixedRules,
    ],
  ),
  ...mutants(
    "register.lua",
    [
      "the rules of each process taken for the plain ones",
      'return { format("%.0f", now), plain, coming',
      'return { format("%.0f", now), own, coming',
      assertMixedRules,
    ],
    ["one that signs off takes all others along", "elseif before + count == 0 then", "else", assertRegister],
    [
      "one that has signed off counted on",
      "if leaves and not is_counted then return {} end",
      "if leaves then return {} end",
      assertRegister,
    ],
    ["a process counted again at each question", "count = max(count - 1, 0)", "count = count", assertRegister],
    ["a process counted again in each span", "before = max(before - 1, 0)", "before = before", assertRegister],
    [
      "crashed processes counted for ever",
      "return span == stored_span + 1 and count or 0, 0",
      "return before + count, 0",
      assertRegister,
    ],
  ),
];
