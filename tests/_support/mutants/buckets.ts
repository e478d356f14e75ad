/**
 * Mistakes in the Lua of batches of single token buckets.
 *
 * @module
 */

import {
  assertBlockKept,
  assertErasJoined,
  assertFailsAlone,
  assertFarKept,
  assertFillKept,
  assertLivesAlone,
  assertLivesInUse,
  assertRunsAfterCounts,
} from "../redis_laws.ts";
import { assertForeignLeft } from "../foreign_keys.ts";
import { type Mutant, mutants } from "./mutant.ts";
import { assertBucketSettled, assertPromiseKept, DAY_MS, sequence } from "./sequences.ts";

/** A peek at a bucket that is in use, alone in its call, where a take would stay in the step for which the key lives. */
const assertLonePeek = sequence(
  { limit: 1_000, windowMs: 60_000 },
  { ask: "now" },
  { ask: "peek", us: 1 },
  { ask: "peek", us: 1 },
);

/** Calls that wait for a bucket for long, and later less long, while an instant is promised and when it has passed. */
const assertFarPromise = sequence(
  { limit: 10, windowMs: 100 },
  { ask: "now", share: 1 },
  ...Array.from({ length: 9 }, () => ({ ask: "wait", share: 1 }) as const),
  { ask: "wait", us: 890_000 },
  ...Array.from({ length: 3 }, () => ({ ask: "wait" }) as const),
  { ask: "wait", us: 55_000 },
);

/** The next call that waits for a bucket for which none has waited, after a step back. */
const assertPacingSettled = sequence(
  { limit: 100, windowMs: 1_000 },
  { ask: "now", share: 1 },
  { ask: "wait", us: -20_000 },
);

/** The same in a bucket by itself. */
const assertSecondDayLives = sequence(
  { limit: 3, windowMs: DAY_MS },
  { ask: "now" },
  { ask: "now" },
  { ask: "now" },
  { ask: "now", share: 1, together: true },
);

/** Takes all there is, waits as long as may be, and asks again after having been denied. */
const assertWaitsNoLonger = sequence(
  { ratePerSecond: 100, burst: 100 },
  { ask: "now", share: 1, us: 5_000 },
  ...Array.from({ length: 17 }, () => ({ ask: "wait", pick: 2 }) as const),
);

/** Takes three times, gives the second back, takes again, and gives the first back. */
const assertBackKept = sequence(
  { limit: 9, windowMs: 900_000 },
  { ask: "now", share: 0.2 },
  { ask: "now", share: 0.2 },
  { ask: "now", share: 0.2 },
  { ask: "giveBack", pick: 4 },
  { ask: "now", share: 0.1, us: 1_000_000 },
  { ask: "now", share: 0.1, us: 1_000_000 },
  { ask: "giveBack", pick: 4 },
);

/** The mistakes. */
export const BUCKETS: readonly Mutant[] = [
  ...mutants(
    "_alone_bucket.lua",
    [
      "a lone wait longer than was asked for",
      "local most_us = full_us + longest_wait",
      "local most_us = full_us + 2 * longest_wait",
      assertWaitsNoLonger,
    ],
    [
      "a lone key that lives too short",
      "math.floor((us - us % step_us + step_us - now) / 1000)",
      "math.floor((us - now) / 1000)",
      assertLivesAlone,
    ],
    ["what a lone bucket has refilled since is lost", "us = us > now - ERA_US / 2 and now end", "us = now + 1 end"],
    [
      "a TTL tag of another step taken for this one's, alone",
      "us = us > now - ERA_US / 2 and now end",
      "us = now end",
      assertFillKept,
    ],
    ["a lone bucket that never is empty", "if us and us + cost_us <= full_us then", "if us then"],
    ["a fraction lost by one that is full", "us < now - 1 or (us < now and rem == 0)", "us < now"],
    ["a fraction kept by one that is full", "us < now - 1 or (us < now and rem == 0)", "us < now - 2"],
    ["a fraction that a bucket does not have", "us == full_us and rem <= burst_rem + 0", "us == full_us"],
    [
      "a fraction not carried",
      "if rem >= denominator then\nus, rem = us + 1, rem - denominator\nend\nif us <",
      "if us <",
    ],
    ["a level of whole µs", "level = (us - now) * denominator + rem\nwritten", "level = us - now\nwritten"],
    [
      "a fraction of other rules kept",
      "if rem >= denominator then\nus = nil",
      "if false then\nus = nil",
      assertFillKept,
    ],
    ["no grace, alone", "- now) / 1000) + 2 + ARGV[1])", "- now) / 1000) + 2)"],
  ),
  ...mutants(
    "_in_step.lua",
    ["an idle tagged bucket that never fills", "(us < now and now or us) + cost_us", "us + cost_us"],
    ["a tagged bucket that never is empty", "if next_us <= most_us and next_us", "if next_us"],
    ["a carry into the TTL tag", "and next_us < era + ERA_US and us", "and us", assertErasJoined],
    ["a tagged key that lives too short", "and us % step_us + added < step_us then", "then"],
    ["units taken from a bucket as it once stood", "local added = next_us - us", "local added = cost_us"],
  ),
  ...mutants(
    "bucket.lua",
    ["an idle bucket that never fills", "next_us, next_rem = at, 0", ""],
    ["a fraction dropped on arrival", "if us < at - 1 or (us < at and rem == 0)", "if us < at"],
    [
      "a carry forgotten",
      "next_us, next_rem = next_us + 1, next_rem - denominator",
      "next_rem = next_rem - denominator",
    ],
    [
      "rounded down",
      "if (next_us < most_us or (next_us == most_us and next_rem <= burst_rem)) and",
      "if next_us <= most_us and",
    ],
    [
      "< for <=",
      "if (next_us < most_us or (next_us == most_us and next_rem <= burst_rem)) and",
      "if (next_us < most_us or (next_us == most_us and next_rem < burst_rem)) and",
    ],
    ["a block ignored", "if blocked > now then at = blocked end", ""],
    ["a block waited for, however long", "and at - now <= max_wait then", "then"],
    [
      "waits that are not taken",
      "local most_us = now + max_wait + burst_us",
      "local most_us = now + burst_us",
    ],
    ["peek writes", "if (taken > 0 or stepped) and not peeks then", "if taken > 0 or stepped then"],
    ["a denial writes", "if (taken > 0 or stepped) and not peeks then", "if not peeks then"],
    [
      "a denial after a step of the clock that corrects nothing",
      "if (taken > 0 or stepped) and not peeks then",
      "if taken > 0 and not peeks then",
      assertBucketSettled,
    ],
    [
      "a promise that the TTL tag does not tell",
      "local next_reach = reach_of(start - now, burst_us, is_ahead and reach or 0)",
      "local next_reach = 0",
    ],
    [
      "a promise not told where most are in use",
      "if next_reach and next_reach ~= reach then",
      "if false then",
    ],
    ["a µs stamp written by ..", 'format("%d", next_tag_us + us % ERA_US)', 'next_tag_us + us % ERA_US .. ""'],
    ["time to live too short", "floor((us - us % step_us + step_us - now) / 1000) + 2", "2"],
    [
      "a far instant written as a tagged one",
      "if size == 16 and next_us >= LEAST_TAGGED then written = NO_TAG .. written end",
      "",
      assertFarKept,
    ],
    ["a far instant read as digits", "#value == 18 and sub(value, 1, 2) == NO_TAG then", "false then", assertFarKept],
    [
      "a lone peek that takes",
      "local alone = #KEYS == 1 and ARGV[2]",
      'local alone = #KEYS == 1 and (ARGV[2] == "33" and "32" or ARGV[2])',
      assertLonePeek,
    ],
    [
      "a lone count taken once",
      "local alone = #KEYS == 1 and ARGV[2]",
      'local alone = #KEYS == 1 and (ARGV[2] == "40" and "32" or ARGV[2])',
    ],
    ["a peek that takes from a tagged bucket", "is_tagged and not (peeks or counts)", "is_tagged and not counts"],
    ["a count taken from a tagged bucket once", "is_tagged and not (peeks or counts)", "is_tagged and not peeks"],
    ["a TTL tag of another step taken for this one's", "done >= least and done <= most", "done", assertFillKept],
    [
      "a bucket in use that never is empty",
      "now + offset + cost_us, min(now + burst_us + offset, tag_us + ERA_US - 1)",
      "now + offset + cost_us, 2 ^ 53",
    ],
    ["an idle bucket taken for one in use", "now + offset + cost_us, min(", "tag_us, min("],
    ["a time to live that is not set again", "if us % step_us < cost_us then", "if false then", assertSecondDayLives],
    ["a peek that takes", "if in_use and is_tagged and not peeks and", "if in_use and is_tagged and"],
    ["what was not there, left without an end", "local value = true", "local value = false", assertLivesInUse],
    ["a TTL tag that is none", "if not us or us >= NO_INSTANT or", "if not us or", assertForeignLeft("a token bucket")],
    [
      "what stands behind a block that is none, not read",
      "value = sub(value, from)",
      "value = sub(value, 10)",
      assertForeignLeft("a token bucket"),
    ],
    ["what was taken from another bucket kept", 'if added then call("INCRBY", key, "-" .. cost_text) end', ""],
    ["what another bucket holds not looked at", 'value = try("GET", key)\nend\nleft', "value = nil\nend\nleft"],
    [
      "a time to live with a block too short",
      "math.ceil((max(until_us, blocked) - now) / 1000) + grace_ms",
      "1 + grace_ms",
      assertBlockKept,
    ],
    [
      "no grace",
      "- now) / 1000) + 2 + grace_ms)",
      "- now) / 1000) + 2)",
    ],
    [
      "a block forgotten by the next take",
      '"b" .. struct.pack("<d", blocked) .. written',
      "written",
      assertBlockKept,
    ],
    [
      "a remainder read as none",
      "if size > 16 then rem = min(tonumber(sub(value, 17)) or 0, denominator - 1) end",
      "",
    ],
    [
      "a wait longer than was asked for",
      "max_wait, cursor = ARGV[cursor + 1] + 0,",
      "max_wait, cursor = ARGV[cursor + 1] * 2,",
    ],
    ["merged takes that count once", "if counts then times = ARGV[cursor + i - first + 1] + 0 end", ""],
    ["merged takes that are all admitted", "taken = units", "taken = times"],
    [
      "all of a run taken as often as the first",
      "times = ARGV[cursor + i - first + 1] + 0",
      "times = ARGV[cursor + 1] + 0",
    ],
    [
      "one merged take too few",
      "for units = min(taken + 1, times), max(taken - 1, 1), -1 do",
      "for units = max(taken - 1, 1), 1, -1 do",
    ],
    [
      "the fractions of merged takes lost",
      "local sum = from_rem + units * cost_rem",
      "local sum = from_rem + cost_rem",
    ],
    ["the carry of merged takes lost", "from_us + units * cost_us + carry", "from_us + units * cost_us"],
    [
      "the fraction of merged takes not compared",
      "if next_us < most_us or (next_us == most_us and next_rem <= burst_rem) then break end",
      "if next_us <= most_us then break end",
    ],
    [
      "the counts of a run read as its next header",
      "cursor = cursor + last - first + 1",
      "",
      assertRunsAfterCounts,
    ],
    ["the levels of denials told as if they were admitted", "taken > 0 and level or -1 - level", "level"],
    [
      "a key of another type overwritten",
      'life_at(us, step_us), "NX")',
      "life_at(us, step_us))",
      assertFailsAlone,
    ],
    ["a failure told as if it were a reply", "replies[place] = failure", "replies[place] = 0", assertFailsAlone],
    [
      "an instant promised at the end of a block forgotten",
      "local latest = max(at > now and at or 0, promised or 0)",
      "local latest = 0",
      assertPromiseKept,
    ],
    ["what was given back forgotten by the next take", "back = part.live(state)", "back = nil", assertBackKept],
    [
      "what was given back not told to marks",
      "long = { us, rem, back.us, back.rem, promised or 0 }",
      "long = { us, rem, 0, 0, promised or 0 }",
      assertBackKept,
    ],
    [
      "a key that forgets too soon what was given back",
      "if back then until_us = max(until_us, part.forgotten_from(next_us, next.back) + 2) end",
      "until_us = now",
      assertBackKept,
    ],
    ["a peek at a key of another type", "failure = found and found.err", "", assertFailsAlone],
  ),
  ...mutants(
    "_reach_after.lua",
    ["a bucket that cannot stand there taken from", "if reach == 0 or", "if", assertPacingSettled],
    ["a promise forgotten that lies ahead", "reach > 0 and reach or 1", "1", assertFarPromise],
    ["a promise remembered that has passed", "else\nreach = 0\nend", "end", assertFarPromise],
  ),
  ...mutants(
    "_ttl_tag.lua",
    ["digits that are not of this era", "local era = now - now % ERA_US", "local era = 0"],
  ),
];
