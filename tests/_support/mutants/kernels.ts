/**
 * Mistakes in the Lua of the kernels of buckets and windows.
 *
 * @module
 */

import { assertOldRead } from "../window_laws.ts";
import { assertBlockStays, assertErasJoined, assertFarKept, assertFillKept } from "../redis_laws.ts";
import { assertForeignLeft } from "../foreign_keys.ts";
import { type Mutant, mutants } from "./mutant.ts";
import { assertBucketSettled, assertPromiseKept, SECOND_BACK, sequence } from "./sequences.ts";

/** The same for several limits that decide together. */
const assertTogetherSettled = sequence(
  {
    limits: [{ limit: 2, windowMs: 10 }, { algorithm: "fixed_window", limit: 2, windowMs: 20 }, {
      algorithm: "sliding_window_counter",
      limit: 2,
      windowMs: 30,
    }],
  },
  { ask: "now", share: 1 },
  { ask: "peek", us: -1_000_000 },
  SECOND_BACK,
  { ask: "now", us: 1 },
);

/** A bucket that callers wait for, whose clock steps back by less than they wait, and by more than that can be. */
const assertPromisesSettled = sequence(
  { limit: 1, windowMs: 10 },
  ...Array.from({ length: 6 }, () => ({ ask: "wait" }) as const),
  { ask: "wait", us: -1_000 },
  { ask: "now", us: -1_000_000 },
  { ask: "wait" },
);

/** Waits twice for the end of a block, gives the second wait back, and then an older take. */
const assertPromiseRestored = sequence(
  { limits: [{ ratePerSecond: 1, burst: 9 }, { ratePerSecond: 2, burst: 9 }] },
  { ask: "now" },
  { ask: "now" },
  { ask: "block", share: 1 },
  { ask: "wait" },
  { ask: "wait" },
  { ask: "giveBack", pick: 0 },
  { ask: "giveBack", pick: 8 },
);

/** The mistakes. */
export const KERNELS: readonly Mutant[] = [
  ...mutants(
    "_prelude.lua",
    [
      "time to live in µs taken for ms",
      "max(ceil((until_us - now) / 1000), 1)",
      "max(ceil((until_us - now) / 1000000), 1)",
    ],
    ["no grace", "/ 1000), 1) + grace_ms\nend", "/ 1000), 1)\nend"],
  ),
  ...mutants(
    "_token_bucket.lua",
    [
      "an idle bucket that never fills",
      "if state.us < at - 1 or (state.us < at and state.rem == 0) then return { us = at, rem = 0 } end",
      "",
    ],
    [
      "a carry forgotten",
      "local us = state.us + units * limit.interval_us + carry\nrem",
      "local us = state.us + units * limit.interval_us\nrem",
    ],
    ["rounded down", "if next.rem > limit.burst_rem then start_us = start_us + 1 end", ""],
    ["+1 µs", "return max(now, start_us)", "return max(now, start_us + 1)"],
    [
      "a µs stamp written by ..",
      'if limit.digits == 0 then return format("%016.0f", us) end',
      'if limit.digits == 0 then return us .. "" end',
    ],
    [
      "a remainder read as none",
      "if not other then state.rem = min(tonumber(sub(value, from + 16, to)) or 0, limit.denominator - 1) end",
      "",
    ],
    [
      "what is promised not told to a mark",
      "local promised = waits and (before.promised or 0) > now and before.promised or 0",
      "local promised = 0",
      assertPromiseRestored,
    ],
    [
      "a bucket that is idle until it is waited for not told to a mark",
      "local idle = waits and arrive(before, at) ~= before",
      "local idle = false",
    ],
  ),
  ...mutants(
    "_windows.lua",
    [
      "a part of a window read as none",
      "return size >= head and (size - head) % WINDOW_SIZE == 0",
      "return size >= head",
      assertForeignLeft("a large fixed window"),
    ],
    [
      "a count in the wrong window",
      "local from = place * WINDOW_SIZE\n",
      "local from = max(place - 1, 0) * WINDOW_SIZE\n",
    ],
    ["the first window taken for the last", "#bytes - WINDOW_SIZE + 1)", "1)"],
    [
      "windows of version 0.1.0 not read",
      "return pack(WINDOW, start, count)\nend",
      'return ""\nend',
      assertOldRead,
    ],
  ),
  ...mutants(
    "_block.lua",
    ["a block ignored", "if first == 98 and size > 8 then", "if false then", assertBlockStays],
    ["a block in front of a log ignored", "if first == 83 and size > 46 or", "if", assertBlockStays],
  ),
  ...mutants(
    "_settle.lua",
    ["a denial that corrects nothing", "if stepped and not peeks then", "if false then", assertTogetherSettled],
    ["a peek that corrects", "if stepped and not peeks then", "if stepped then", assertTogetherSettled],
  ),
  ...mutants(
    "_reach.lua",
    ["a reach that is too short", "wait <= 8 * span and 1", "wait <= span and 1"],
    ["a promise believed for too long", "(reach == 2 and 1024 or 8)", "1024", assertPromisesSettled],
    ["a promise believed without one", "if reach == 0 then return now end", "", assertBucketSettled],
  ),
  ...mutants(
    "_given_back.lua",
    [
      "an instant for which others wait not seen",
      "return max(start, state.promised or 0)",
      "return start",
      assertPromiseKept,
    ],
    [
      "what cannot come from this clock believed",
      "if promised <= latest then return state end",
      "do return state end",
      assertBucketSettled,
    ],
    [
      "takes from before a step of the clock given back in full",
      "local settled = self.with_returned(before, minus(state, most, limit), 0, latest, limit)",
      "local settled = before",
      assertBucketSettled,
    ],
    [
      "a carry forgotten",
      "return { us = us + 1, rem = rem - limit.denominator }\nend\nlocal plus",
      "return { us = us, rem = rem }\nend\nlocal plus",
    ],
    ["the longer of two spans", "return (a.us < b.us or", "return (a.us > b.us or"],
    ["what was given back behind counted as in front", "if share.end_us > end_us then sum =", "if false then sum ="],
    ["all shares remembered", "if last.end_us - (sum.us - behind.us) + 2 <= now then break end", ""],
    ["never forgotten", "return back and self.forgotten_from(state.us, back) > now and back or nil", "return back"],
    [
      "forgotten too early",
      "return max(us + 1, back.until_us) end\nreturn sum",
      "return max(us + 1, back.until_us) end\nreturn us",
    ],
    [
      "an instant promised that the bucket tells",
      "if promised <= now or promised <= start then",
      "if promised <= now then",
    ],
    [
      "a share read as ending elsewhere",
      "local share = { end_us = sum - next_number() }",
      "local share = { end_us = sum + next_number() }",
    ],
    ["a part of all taken for all", "put_span(is_all and 0 or share.us, is_all and 0 or share.rem)", "put_span(0, 0)"],
    [
      "a number written from its top",
      "text = text .. char(number % 128 + 128)",
      "text = char(number % 128 + 128) .. text",
    ],
  ),
  ...mutants(
    "_fixed_window.lua",
    [
      "< for <=",
      "if count + cost <= limit.capacity then return max(now, start) end",
      "if count + cost < limit.capacity then return max(now, start) end",
    ],
    [
      "a window a microsecond longer",
      "if at < start + limit.window then\nwindows =",
      "if at <= start + limit.window then\nwindows =",
    ],
    [
      "a window that has not opened told as used in part",
      "if start > now then return limit.capacity, reset end",
      "",
    ],
    [
      "the present window dropped for a promised one",
      "while first_window(windows) + limit.window <= now do",
      "while #windows > WINDOW_SIZE do",
    ],
  ),
  ...mutants(
    "_sliding_window_counter.lua",
    [
      "a window that never moves on",
      "if at < start + limit.window then\nreturn start, count_before",
      "if at <= start + limit.window then\nreturn start, count_before",
    ],
    [
      "faded too early",
      "return (steps - floor(room * steps / units)) * limit.step",
      "return (steps - ceil(room * steps / units)) * limit.step",
    ],
    [
      "what is left rounded down",
      "return ceil(previous * left / steps) + current",
      "return floor(previous * left / steps) + current",
    ],
    [
      "the previous window forgotten",
      "then return start + limit.window, count, 0 end",
      "then return start + limit.window, 0, 0 end",
    ],
    ["a window that fades dropped", "(continued and 1 or 2)", "1"],
  ),
  ...mutants(
    "_other_bucket.lua",
    [
      "any digits read as a bucket",
      "#digits <= MOST_DIGITS and (",
      "(",
      assertForeignLeft("a token bucket"),
    ],
    [
      "digits that never expire read as a bucket",
      "ttl_ms >= 0",
      "ttl_ms >= -1",
      assertForeignLeft("a token bucket"),
    ],
  ),
  ...mutants(
    "_instant.lua",
    [
      "a TTL tag read as digits",
      "if stored < LEAST_TAGGED then return stored end",
      "if true then return stored end",
      assertFillKept,
    ],
    ["digits read as a TTL tag", "if stored < LEAST_TAGGED then return stored end", "", assertFarKept],
    [
      "an instant of the next years taken for one long ago",
      "if us < now - ERA_US / 2 then return us + ERA_US end",
      "",
      assertErasJoined,
    ],
    [
      "an instant of the last years taken for one to come",
      "if us > now + ERA_US / 2 then return us - ERA_US end",
      "",
      assertErasJoined,
    ],
  ),
  ...mutants(
    "_state.lua",
    [
      "what stands behind all states not seen",
      "return not known or cursor == #value + 1",
      "return true",
      assertForeignLeft("two limits with a sliding window"),
    ],
    [
      "a value without bytes read as fresh",
      'if not known and (cursor <= #value or stored == "") then',
      "if not known and cursor <= #value then",
      assertForeignLeft("two limits"),
    ],
    ["a far instant written as a tagged one", '#digits == 16 and digits >= "5" and', "false and", assertFarKept],
    ["a far instant read as digits", "#digits == 18 and sub(digits, 1, 2) == NO_TAG then", "false then", assertFarKept],
    ["a TTL tag read as digits", "#digits == 16 and tonumber(digits)", "false"],
    ["the block of several limits forgotten", 'if target.blocked > now then value = "b"', 'if false then value = "b"'],
    [
      "time to live of the last limit only",
      "until_us = max(until_us, rate.kernel.fresh_from(target.states[i], rate))",
      "until_us = rate.kernel.fresh_from(target.states[i], rate)",
    ],
    ["states packed in the wrong places", "cursor = past\nelse", "cursor = past - 1\nelse"],
    [
      "what version 0.1.0 wrote read as if it were new",
      "local old = known and letters ~= policy.header",
      "local old = false",
      assertOldRead,
    ],
  ),
];
