/**
 * Mistakes in the Lua of batches of single windows.
 *
 * @module
 */

import { assertLogs, assertSmallLogs } from "../window_logs.ts";
import {
  assertForeignKept,
  assertLogLives,
  assertManyCounted,
  assertOldRead,
  assertPagesSummed,
  assertPeekFails,
  assertRoomyLogs,
  assertStartsAgain,
  assertTurns,
  assertWindowChanged,
} from "../window_laws.ts";
import { assertFailsAlone } from "../redis_laws.ts";
import { assertForeignLeft } from "../foreign_keys.ts";
import { type Mutant, mutants } from "./mutant.ts";
import { sequence, SHORT_LOG } from "./sequences.ts";

/** A full log whose limiter is blocked for a shorter time. */
const assertFullLogBlocked = sequence(
  { ...SHORT_LOG, windowMs: 61_000 },
  { ask: "now" },
  { ask: "block", us: 1, share: 1e-4 },
  { ask: "now" },
);

/** The mistakes. */
export const WINDOWS: readonly Mutant[] = [
  ...mutants(
    "_take_rest.lua",
    ["merged takes decided as one", "rest(key, value, times, counts)", "rest(key, value, 1, counts)"],
  ),
  ...mutants(
    "_take_group.lua",
    ["a reply at another instant", "replies, place, refused = { now }", "replies, place, refused = { now + 1 }"],
  ),
  ...mutants(
    "_take_head.lua",
    ["the next number taken for the one before", "math.floor, math.ceil, math.min", "math.ceil, math.ceil, math.min"],
  ),
  ...mutants(
    "_clock.lua",
    ["a clock that stands still", "now = now + 0\nelse", "now = 1767225600000000\nelse"],
  ),
  ...mutants(
    "_joined.lua",
    ["a level joined by another number", "local scale = 2 * window + 1", "local scale = 2 * window + 2"],
  ),
  ...mutants(
    "_take_life.lua",
    ["no grace", 'return format("%.0f", ttl_ms(until_us))', 'return format("%.0f", ttl_ms(until_us) - grace_ms)'],
  ),
  ...mutants(
    "_take_groups.lua",
    ["the counts of a run read as its next header", "if counts then cursor = cursor + last - first + 1 end", ""],
    ["all of a run taken as often as the first", "ARGV[cursor + i - first + 1] + 0 or 1", "ARGV[cursor + 1] + 0 or 1"],
    ["values of other keys", "values and values[i - from + 1],", "values and values[1],"],
  ),
  ...mutants(
    "_take_tell.lua",
    ["denials told as if they were admitted", "= -1 - used, reset, wait", "= used, reset, wait"],
    ["a failure told as if it were a reply", "taken = used\nend", "taken = 1\nend", assertFailsAlone],
  ),
  ...mutants(
    "_take_windows.lua",
    [
      "a key of another type overwritten",
      'try("SET", key, value, "PX", ttl, "NX")',
      'try("SET", key, value, "PX", ttl)',
      assertFailsAlone,
    ],
    [
      "a block ignored",
      "0, max(now, blocked, kernel.earliest(state, cost, limit)), now",
      "0, kernel.earliest(state, cost, limit), now",
    ],
    [
      "a block forgotten by the next take",
      'written, until_us = "b" .. pack("<d", blocked) .. written',
      "written, until_us = written",
    ],
    ["waits longer than was asked for", "taken == 0 and at - now <= max_wait", "taken == 0"],
    [
      "what version 0.1.0 wrote not read",
      "state = kernel.decode_old(value, from + 1)",
      "state = kernel.fresh()",
      assertOldRead,
    ],
    ["peek writes", "if peeks then break end\nstate =", "state ="],
    [
      "a peek at a key of another type",
      'failure = try("GET", key)\nfailure',
      "failure = nil\nfailure",
      assertPeekFails,
    ],
    ["a wait told as if it were none", "return { 1, first_at - now, used, reset }", "return { 1, 0, used, reset }"],
  ),
  ...mutants(
    "_in_fixed_window.lua",
    ["a window that has ended taken from", "left > 0 and sum <= most and", "sum <= most and"],
    [
      "a window that has not opened taken from",
      "if start <= now and left > 0 and sum <= most",
      "if left > 0 and sum <= most",
      assertStartsAgain,
    ],
    ["one unit too many", "and sum <= most and", "and count <= most and"],
    ["a lone take that costs nothing", 'try("INCRBY", key, less) == stored - cost', "true"],
    [
      "a window of another length taken for this one's",
      "if head == named and start <= now",
      "if start <= now",
      assertWindowChanged,
    ],
    [
      "a window with its letter that has ended taken from",
      "left > 0 and sum <= capacity and not",
      "sum <= capacity and not",
      assertManyCounted,
    ],
    ["a window with its letter not opened taken from", "named and start <= now and", "named and", assertStartsAgain],
    [
      "one unit too many in a window with its letter",
      "sum <= capacity and not",
      "count <= capacity and not",
      assertManyCounted,
    ],
    [
      "a take from a window with its letter costs nothing",
      'pack("<I4", sum)) == 19',
      'pack("<I4", count)) == 19',
      assertManyCounted,
    ],
  ),
  ...mutants(
    "_short_window.lua",
    ["what another program wrote taken for a window", "and value + 0 <= LEAST and", "and", assertForeignKept],
    ["a start read as one turn of the clock ahead", "/ factor - span\n", "/ factor\n", assertTurns],
    [
      "a start before the clock's last turn read as one ahead",
      "if start > now + span / 2 then",
      "if false then",
      assertTurns,
    ],
    ["a start ahead of the clock read as one before", "if start <= now - span / 2 then", "if false then", assertTurns],
    ["a count that is not stored", "* factor - count)", "* factor - 1)"],
  ),
  ...mutants(
    "_in_counter.lua",
    [
      "a window of another length taken for this one's",
      "if head == named and since >= 0 and since < window then",
      "if since >= 0 and since < window then",
      assertWindowChanged,
    ],
    ["a window that has ended taken from", "and since >= 0 and since < window then", "and since >= 0 then"],
    ["what fades rounded down", "sum = sum + ceil(previous", "sum = sum + floor(previous"],
    ["a lone take that costs nothing", 'pack("<I4", count + cost)) == 24', 'pack("<I4", count)) == 24'],
  ),
  ...mutants(
    "fixed_window.lua",
    [
      "a window of another length taken for this one's",
      "if length == window then return start, count end",
      "return start, count",
      assertWindowChanged,
    ],
    [
      "a window that has not opened taken from",
      "if start and start <= now and now < start + window then",
      "if start and now < start + window then",
      assertStartsAgain,
    ],
    [
      "one unit too many",
      "local reset, room = start + window - now, capacity - count",
      "local reset, room = start + window - now, capacity - count + 1",
    ],
    ["merged takes that are all admitted", "min(times, floor(room / cost))\nlocal failure", "times\nlocal failure"],
    ["merged takes that count once", "window_value(start, count + taken * cost)", "window_value(start, count + cost)"],
    [
      "a window that opened longer ago than it lasts",
      "if start and start <= now and now < start + window then",
      "if start and start <= now then",
    ],
    [
      "a denial although the caller may wait",
      "if cost > room and max_wait < reset then return 0",
      "if cost > room then return 0",
    ],
    ["a time to live too short", "life(now + window)", "life(now)"],
    [
      "a count beyond the factor",
      "most = capacity < factor and capacity or 0\nend",
      "most = capacity\nend",
      assertManyCounted,
    ],
  ),
  ...mutants(
    "sliding_window_counter.lua",
    [
      "a window of another length taken for this one's",
      "known = length == window and start <= now",
      "known = start <= now",
      assertWindowChanged,
    ],
    ["the window before forgotten", "start + window, count, 0, true", "start + window, 0, 0, true"],
    ["faded rounded down", "faded = ceil(previous", "faded = floor(previous"],
    ["a count in the wrong place", 'key, "20", pack("<I4", count))', 'key, "9", pack("<I4", count))'],
    ["merged takes that are all admitted", "min(times, floor(room / cost))", "times"],
    [
      "a denial told from windows that have gone by",
      "if taken == 0 and rolled then return decide_slowly(key, value, times) end",
      "",
    ],
    [
      "the wait for the next window",
      "wait = start + window + fades(count, capacity - cost) - now",
      "wait = start + window - now",
    ],
    ["a time to live too short", "life(now + 2 * window)", "life(now + window)"],
  ),
  ...mutants(
    "_in_log.lua",
    ["a log of another window taken for this one's", "and length == window\n", "\n", assertWindowChanged],
    ["a block ignored", "and blocked <= now\n", "\n", assertRoomyLogs],
    ["a newest run that is ahead of the clock", "and newest < now\n", "\n", assertRoomyLogs],
    [
      "no time to live in another eighth of a window",
      'if step_from > newest then try("PEXPIRE", key, lives) end',
      "",
      assertLogLives,
    ],
    ["a run written over the oldest", "and count < slots\n", "\n", assertRoomyLogs],
    [
      "a run too late out of the window",
      "if us > before then\nis_found",
      "if us >= before then\nis_found",
      assertRoomyLogs,
    ],
    ["what has left kept in the total", "sum - units, head + 1", "sum, head + 1"],
    ["the oldest run never dropped", "now, head, count + 1, slots", "now, 0, count + 1, slots"],
    ["one unit too many", "if is_found and sum <= capacity then", "if is_found and sum <= capacity + 1 then"],
    ["a run in the wrong page", "at = at + 4 * floor(slot / page)", "at = at", assertLogs],
    [
      "the units of a page begun with those before",
      "tail = slot % page > 0 and tail + cost or cost",
      "tail = tail + cost",
      assertPagesSummed,
    ],
    [
      "the units of a page not written",
      'at - 8 * (slot % page) - 4), pack("<I4", tail))',
      'at - 8 * (slot % page) - 4), pack("<I4", 1))',
      assertPagesSummed,
    ],
    ["more than one unit taken for one", "stored > power and cost == 1 and stored or power", "stored"],
  ),
  ...mutants(
    "sliding_window.lua",
    [
      "a value without bytes overwritten",
      'units, units, "NX")',
      "units, units)",
      assertForeignLeft("a sliding window"),
    ],
    [
      "a log of another window taken for this one's",
      "local plain = length == window and stored",
      "local plain = stored",
      assertWindowChanged,
    ],
    ["a promised instant overtaken", "or newest >= now or not (blocked <= now)", "or not (blocked <= now)"],
    ["a block ignored", "or newest >= now or not (blocked <= now)", "or newest >= now", assertFullLogBlocked],
    [
      "a run too late out of the window",
      "if instant(us) > before then break end",
      "if instant(us) >= before then break end",
    ],
    [
      "one unit too many",
      "local room = capacity - used\nif cost > room",
      "local room = capacity - used + 1\nif cost > room",
    ],
    ["the wrong run decides", "excess = excess - own", "excess = excess - own - 1"],
    [
      "merged takes that count once",
      "taken = min(times, floor(room / cost))\nunits = taken * cost",
      "taken = min(times, floor(room / cost))",
    ],
    ["what has left kept in the total", "gone, used = gone + 1, used - own", "gone = gone + 1"],
    ["the oldest run never dropped", "head = (head + gone) % slots", "head = head"],
    [
      "the units of a page not written",
      'place - 8 * (slot % page) - 4), pack("<I4", tail))',
      'place - 8 * (slot % page) - 4), pack("<I4", 1))',
      assertPagesSummed,
    ],
    ["a header not written", 'try("SETRANGE", key, at, first)\nend', "end", assertLogs],
    [
      "a promise that is over left in the header",
      'had_promise and header or changed, had_promise and "0" or CHANGED',
      "changed, CHANGED",
    ],
    [
      "a log that does not wrap when it becomes longer",
      "if head + kept > slots then runs = runs",
      "if false then runs = runs",
      assertSmallLogs,
    ],
    [
      "no time to live in another eighth of a window",
      'if newest < step_from then try("PEXPIRE", key, lives) end',
      "",
      assertLogLives,
    ],
    ["a time to live too short", "ceil((step_from + step_us - before) / 1000)", "1"],
  ),
];
