/**
 * Mistakes in the Lua of logs, which exact windows keep.
 *
 * @module
 */

import type { Step } from "../arbitraries.ts";
import { assertLargeCosts, assertLittleRoom, assertLogs } from "../window_logs.ts";
import {
  assertFarRefused,
  assertLogCut,
  assertLogEras,
  assertLogLives,
  assertOldRead,
  assertPagesSummed,
} from "../window_laws.ts";
import { assertLogsNamed } from "../mixed_laws.ts";
import { assertBlockStays } from "../redis_laws.ts";
import { assertParity, type ParityServices } from "../parity.ts";
import { assertForeignLeft } from "../foreign_keys.ts";
import { type Mutant, mutants } from "./mutant.ts";
import { sequence, SHORT_LOG } from "./sequences.ts";

/** A log that lies ahead of its clock. */
const assertLogSettled = sequence(
  { algorithm: "sliding_window", limit: 3, windowMs: 10 },
  { ask: "now" },
  { ask: "now", us: 1, share: 0.5 },
  { ask: "peek", us: -1_000_000 },
  { ask: "now", share: 1 },
  { ask: "now", us: 5 },
);

/** A unit that is promised in a log, and given back before its instant. */
const assertPromiseEnds = sequence(
  { limits: [{ limit: 1, windowMs: 0.013 }, SHORT_LOG] },
  { ask: "now" },
  { ask: "wait", pick: 0 },
  { ask: "giveBack", pick: 0 },
  { ask: "now" },
);

/** Two refunds where one unit counts and another is promised. */
const assertPromisedKept = sequence(
  { limits: [SHORT_LOG, SHORT_LOG] },
  { ask: "now" },
  { ask: "wait", pick: 0 },
  { ask: "refund" },
  { ask: "refund" },
  { ask: "now" },
);

/** Waits for a bucket and a log, where the bucket has to fill: what comes after for the log alone is not put in front. */
function assertPromiseNotOvertaken(services: ParityServices): Promise<void> {
  const steps = [{ ask: "now", only: 0 }, { ask: "wait", pick: 2 }, { ask: "now", only: 1 }] as const;
  const all = steps.map((step): Step => ({ move: { by: "us", us: 0 }, share: 0, pick: 1, ...step }));
  const log = { ...SHORT_LOG, limit: 2 };
  return assertParity([{ limit: 1, windowMs: 0.013 }, log], 1_767_225_600_000_000, all, services);
}

/** The mistakes. */
export const LOGS: readonly Mutant[] = [
  ...mutants(
    "_run_log_settle.lua",
    [
      "runs that stay ahead of the clock",
      "if log.newest <= latest then return log end",
      "do return log end",
      assertLogSettled,
    ],
    ["a peek that corrects", "if peeks then\nlog", "if false then\nlog", assertLogSettled],
    [
      "a page that is cut off counted as empty",
      "log.tail = i == 0 and 0 or units_up_to(log, i - 1)",
      "log.tail = 0",
      assertLogCut,
    ],
    ["the promise of a log not told", "log.reach = at > now and", "log.reach = at < now and"],
  ),
  ...mutants(
    "_run_log_room.lua",
    ["twice the room that is wanted", "max(2 ^ (power - 3), 16)", "2 ^ power", assertLittleRoom],
    ["a few places at a time", "if bytes < EXACT then", "if false then", assertLittleRoom],
  ),
  ...mutants(
    "_sliding_window.lua",
    [
      "the wrong run decides",
      "local excess = log.total + cost - limit.capacity",
      "local excess = log.total + cost - limit.capacity - 1",
    ],
    [
      "a promised instant overtaken",
      "local at = max(now, log.promised)",
      "local at = now",
      assertPromiseNotOvertaken,
    ],
    [
      "a header not written",
      'append(log, stamp, added)\ncall("SETRANGE", log.key, "0", header(log))',
      "append(log, stamp, added)",
      assertLogs,
    ],
    ["no time to live", 'call("PEXPIRE", log.key, ttl)', "", assertLogLives],
    ["a log told as one of single units", "log.ones and cost == 1 and not replaced", "log.ones"],
    ["units of one instant counted twice", "added = cost - replaced", "added = cost"],
  ),
  ...mutants(
    "_run_log.lua",
    ["a run too late out of the window", "if stamp > before then return i", "if stamp >= before then return i"],
    ["the wrong run of a page", "return i + n - 1, sum + reached - own,", "return i + n, sum + reached,"],
    ["units of one byte read as of two", "wide and high or low + 256 * high", "low + 256 * high", assertLogs],
    ["a log that does not wrap", "log.slots - slot, log.count - i)", "log.count - i)", assertLogs],
    [
      "a page too many",
      "if units and ((need and sum + units < need)",
      "if units and ((need and sum < need)",
      assertLogs,
    ],
    [
      "a page that has not left taken for one that has",
      "entry(log, i + n - 1) <= before)) then",
      "entry(log, i) <= before)) then",
      assertLogs,
    ],
    ["units of a page counted as its runs", "i, sum = i + n, sum + units", "i, sum = i + n, sum + n", assertLogs],
    ["an instant of another era", "if stamp > now + SPAN / 2 then return stamp - SPAN, units end", "", assertLogEras],
    [
      "an instant of the era before",
      "if stamp < now - SPAN / 2 then return stamp + SPAN, units end",
      "",
      assertLogEras,
    ],
    [
      "an instant that is too far away",
      'if stamp - now >= SPAN / 2 then error("ERR the units would be taken years ahead", 0) end',
      "",
      assertFarRefused,
    ],
  ),
  ...mutants(
    "_run_log_changes.lua",
    [
      "a value without bytes read as fresh",
      '(first or call("GET", key) == "")',
      "(first)",
      assertForeignLeft("a sliding window"),
    ],
    [
      "a log by other rules taken for one by these",
      "log.foreign = log.window ~= limit.window",
      "log.foreign = false",
      assertLogsNamed,
    ],
    [
      "time to live from the clock, not the newest run",
      "ttl_ms(max(stamp - stamp % step + step + limit.window, log.blocked))",
      "ttl_ms(log.blocked)",
    ],
    [
      "a log of many units told as one of single units",
      "log.ones = #runs / 8 == count",
      "log.ones = true",
      assertOldRead,
    ],
    ["a block of other rules ignored", "if first == 98 and #bytes == 9 then", "if false then", assertBlockStays],
    ["old runs read as one unit each", "stamp, units = at, units + 1", "stamp, units = at, 1", assertOldRead],
    [
      "pages put in at the wrong place",
      "log.head, log.slots = log.head + more * log.page, log.slots",
      "log.slots = log.slots",
      assertLogs,
    ],
    [
      "a page that counts on from the one before",
      "(slot % log.page == 0 and 0 or log.tail) + own",
      "log.tail + own",
      assertLogs,
    ],
    [
      "the units of a page not written",
      '((slot - n) % log.page) - 4\ncall("SETRANGE", log.key, format("%d", page), pack("<I4", log.tail))',
      '((slot - n) % log.page) - 4\ncall("SETRANGE", log.key, format("%d", page), pack("<I4", 1))',
      assertPagesSummed,
    ],
  ),
  ...mutants(
    "_run_log_corrections.lua",
    ["the units of a page left as they were", 'pack("<I4", max(sum - less, 0)))', 'pack("<I4", sum))', assertLogs],
    ["the units of the newest page left as they were", "log.tail = log.tail - less", "", assertLogs],
    ["all units of an instant given back", "if own > units - taken then", "if false then"],
    ["units of another instant given back", "if at ~= stamp then break end", "", assertLogs],
    ["more of a page given back than was meant", "if all <= units then return", "do return", assertLargeCosts],
    [
      "the units of the page before taken for those of this one",
      "if slot % log.page == n - 1 then",
      "if false then",
      assertLargeCosts,
    ],
    ["runs that hold units dropped", "(most - n) - 7)\nif units > 0 then break end", "(most - n) - 7)", assertLogs],
    [
      "runs without units that are relied on",
      "= min(log.promised, stamp), stamp\nif units > 0 then break end",
      "= min(log.promised, stamp), stamp\ndo break end",
    ],
    [
      "a promise that outlives its run",
      "log.promised, log.newest = min(log.promised, stamp), stamp",
      "log.newest = stamp",
      assertPromiseEnds,
    ],
    ["promised units forgiven", "if log.count > 0 and log.newest > now then", "if false then", assertPromisedKept],
    [
      "more forgiven than was meant",
      "reduce(log, 0, encode(log, stamp, own - forgiven + before), forgiven - before)",
      "reduce(log, 0, encode(log, stamp, 0), own)",
    ],
  ),
];
