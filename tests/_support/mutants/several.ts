/**
 * Mistakes in the Lua of batches of several limits.
 *
 * @module
 */

import { assertWindowsChanged } from "../window_laws.ts";
import { assertFailsAlone } from "../redis_laws.ts";
import { type Mutant, mutants } from "./mutant.ts";
import { DAY_MS, sequence } from "./sequences.ts";

/** A bucket of one unit beside one that is hardly used: the second take is denied by the first. */
const assertEmptyBucketDenies = sequence(
  { limits: [{ limit: 1, windowMs: DAY_MS }, { limit: 1e12, windowMs: 1e12 }] },
  { ask: "now" },
  { ask: "now" },
);

/** Takes a second unit of a day's two a moment after the first: the key lives for the second one, too. */
const assertLivesOnInStep = sequence(
  { limits: [{ limit: 2, windowMs: DAY_MS }, { limit: 999_983, windowMs: 1_000, burst: 1 }] },
  { ask: "now" },
  { ask: "now", us: 2 },
  { ask: "now" },
);

/** Two buckets that are full again some microseconds after a take. */
const assertIdleFills = sequence(
  { limits: [{ ratePerSecond: 700_001, burst: 1 }, { ratePerSecond: 1_000_000, burst: 1 }] },
  { ask: "now" },
  { ask: "now", together: true },
  { ask: "now", us: 3 },
  { ask: "now" },
);

/** A call that costs more than what is left, where one unit is left. */
const assertCostDenied = sequence(
  { limits: [{ algorithm: "fixed_window", limit: 4, windowMs: 0.001 }, { ratePerSecond: 700_001, burst: 2 }] },
  { ask: "now" },
  { ask: "now", share: 1 },
  { ask: "now", us: 1 },
);

/** The clock steps back behind the start of one of several windows: it is not taken from as if it were open. */
const assertSteppedWindow = sequence(
  { limits: [{ algorithm: "fixed_window", limit: 3, windowMs: 1_000 }, { limit: 5, windowMs: 1_000 }] },
  { ask: "now" },
  { ask: "now", us: -500_000 },
);

/** Takes from a bucket with a fraction and from two windows, one of which ends, while the key lives long enough. */
const assertTakenInStep = sequence(
  {
    limits: [
      { ratePerSecond: 3, burst: 12 },
      { algorithm: "fixed_window", limit: 12, windowMs: 60_000 },
      { algorithm: "fixed_window", limit: 12, windowMs: 1_000 },
    ],
  },
  { ask: "now" },
  { ask: "now", share: 0.5, us: 1 },
  { ask: "now", us: 1_500_000 },
);

/** The mistakes. */
export const SEVERAL: readonly Mutant[] = [
  ...mutants(
    "_packing.lua",
    ["a letter that reads as one of a state with a tail", "(digits < 12 and 116 or 72) + digits", "116 + digits"],
    ["a large remainder cut off", "if rate.digits > 9 then", "if false then"],
    [
      "a key that lives to the end of the step before",
      "until_us % step_us + step_us - now",
      "until_us % step_us - now",
    ],
  ),
  ...mutants(
    "_packed.lua",
    ["a remainder read as none", "rem = min(second, rate.denominator - 1)", "rem = 0"],
    ["what was given back, or is promised, not stored", "if state.back or state.promised then return nil end", ""],
    ["windows that follow one another stored as one", "if #state.windows > WINDOW_SIZE then return nil end", ""],
    ["the window before not read", "previous = is_used and third or 0", "previous = 0"],
    ["the window before not stored", "numbers[slot + 2] = state.previous", "numbers[slot + 2] = 0"],
  ),
  ...mutants(
    "_in_packed.lua",
    [
      "an idle bucket that never fills",
      "us, units = now, 0\nend\nlocal denominator, most_us",
      "end\nlocal denominator, most_us",
    ],
    [
      "a carry forgotten",
      "us, units = us + 1, units - denominator\nend\nend\nif us",
      "units = units - denominator\nend\nend\nif us",
    ],
    ["a bucket that holds a microsecond more", "units > limit.burst_rem) then\nfits", "false) then\nfits"],
    [
      "a window that has not begun taken for an open one",
      "if us > now or now >=",
      "if now >=",
      assertSteppedWindow,
    ],
    ["a window that has ended taken for an open one", "now >= us + limit.window or", ""],
    ["units of the window before not counted", "previous, units + faded(limit, us, previous)", "previous, units"],
    ["the window before forgotten", "following[slot + 2], used = previous,", "following[slot + 2], used = 0,"],
    ["a full window taken from", "or used > limit.capacity then", "then"],
    [
      "the level of one limit told as another's",
      "replies[place + n + n - 1], replies[place + n + n] = used",
      "replies[place + n - 1], replies[place + n] = used",
    ],
    [
      "time to live of the first limit only",
      "if past > until_us then until_us = past end\nfollowing[slot], following[slot + 1] = us, units\nend\nfits",
      "if n == 1 then until_us = past end\nfollowing[slot], following[slot + 1] = us, units\nend\nfits",
    ],
  ),
  ...mutants(
    "_several_state.lua",
    [
      "a value of other limits read as their own",
      "or sub(value, 1, head) ~= prefix) then",
      ") then",
      assertWindowsChanged,
    ],
    ["a fraction of a microsecond lost", "if us < now - 1 or (us < now and units == 0) then", "if us < now then"],
    ["a window to come taken from", "if us > now then return false end", "", assertSteppedWindow],
    ["a window that has ended not become the one before", "us + window, 0, units", "us + window, 0, 0"],
    ["merged takes counted once", "units + times * cost, us + limit.window", "units + cost, us + limit.window"],
    ["merged takes added once", "us = us + times * limit.us", "us = us + limit.us"],
    ["fractions of merged takes lost", "units = units + times * limit.rem", "units = units + limit.rem"],
    ["a carry of merged takes lost", "us, units = us + carry,", "us, units = us,"],
    ["a wait rounded down", "units > limit.burst_rem and us + 1 or us", "us"],
    ["a wait for the first window to end only", "if far > limit.window then far", "if false then far"],
    ["a wait for the last limit only", "at = max(at, us + limit.window)", "at = us + limit.window"],
  ),
  ...mutants(
    "_several_limits.lua",
    ["the window before never fades", "limit.steps - floor((now - start) / limit.step)", "limit.steps"],
    ["the cost of a run forgotten", "us = cost * a + carry,", "us = a + carry,"],
  ),
  ...mutants(
    "_alone_packed.lua",
    ["windows of other rules taken for their own", 'unpack_at("<I7", value, rules) == b', "true", assertWindowsChanged],
    [
      "a carry forgotten",
      "us + cost * a + carry, units + cost * b",
      "us + cost * a, units + cost * b",
      assertTakenInStep,
    ],
    [
      "an idle bucket that never fills",
      "if us < now and (units == 0 or us < now - 1) then\nus, units = now, 0\nend\nlocal carry",
      "local carry",
      assertIdleFills,
    ],
    [
      "a bucket that is empty taken from",
      "(us < most_us or (us == most_us and units <=",
      "(us < 2 * most_us or (us == most_us and units <=",
      assertEmptyBucketDenies,
    ],
    [
      "a window that has ended taken for an open one",
      "and us <= now and now < past and units <= a",
      "and us <= now and units <= a",
      assertTakenInStep,
    ],
    ["a full window taken from", "and now < past and units <= a", "and now < past"],
    [
      "a window that has not begun taken for an open one",
      "and us <= now and now < past",
      "and now < past",
      assertSteppedWindow,
    ],
    [
      "a key that is written in another step left to expire",
      "until_us - until_us % step_us\nif fits",
      "stored_until - stored_until % step_us\nif fits",
      assertLivesOnInStep,
    ],
  ),
  ...mutants(
    "_several_left.lua",
    ["a peek that writes", 'peeks and "2" or "1"', '"1"'],
    ["waits as long as it takes", "{ mode, max_wait, 1,", "{ mode, 1e15, 1,"],
    [
      "a count that is decided once",
      "replies[entry.place], done = all, done + entry.times",
      "replies[entry.place], done = all, done + 1",
    ],
  ),
  ...mutants(
    "several.lua",
    ["a cost that is one", "ARGV[3] + 0\nlocal value", "1\nlocal value", assertCostDenied],
    ["peek writes", "if taken > 0 and not peeks then\nfailure", "if taken > 0 then\nfailure"],
    ["a peek told as if it had taken", "local is_new = taken > 0 and not peeks", "local is_new = taken > 0"],
    ["a wait not left to the other script", "if wait <= max_wait then return false end", ""],
    ["denials told as if they were admitted", "counts and taken or -1 - wait", "counts and taken or wait"],
    ["a bucket that has less than nothing told", "if us < 0 then\nus, units = 0, 0\nend", ""],
    ["a window that has ended told", "if past <= now then\nreplies", "if false then\nreplies"],
    ["a level told of before", "tell(is_new and following or state, is_new)", "tell(state, false)"],
    [
      "a key that is written in another step left to expire",
      "until_us - until_us % step_us then\ndone",
      "stored_until - stored_until % step_us then\ndone",
    ],
    [
      "a key of another type overwritten",
      'try("SET", key, bytes, "PX", life, "NX")',
      'try("SET", key, bytes, "PX", life)',
      assertFailsAlone,
    ],
    ["a peek at a key of another type", "failure = failure and failure.err", "failure = nil", assertFailsAlone],
    ["a failure told as if it were a reply", "replies[place] = failure", "replies[place] = 0", assertFailsAlone],
    ["what a short try has told left in the reply", "replies[n] = nil", ""],
    ["counts taken by the short way", "not (counts or peeks)", "not peeks"],
    ["the counts of a run read as its next header", "cursor = cursor + last - first + 1", ""],
    [
      "all of a run taken as often as the first",
      "ARGV[cursor + i - first + 1] + 0 or 1\nif not",
      "ARGV[cursor + 1] + 0 or 1\nif not",
    ],
    ["values of other keys", "KEYS[i], values[i - from + 1]", "KEYS[i], values[1]"],
  ),
];
