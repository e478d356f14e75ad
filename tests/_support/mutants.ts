/**
 * Seeded mistakes in the Lua of the Redis store, each of the kind that a slip of the hand makes.
 *
 * @module
 */

import { createHash } from "node:crypto";

import { shortenerOfScripts } from "../../scripts/lua/scripts.ts";
import type { LimiterOptions } from "../../src/policy/options.ts";
import type { ScriptCall } from "../../src/stores/redis/encode.ts";
import type { Script } from "../../src/stores/redis/script.ts";
import {
  bucket,
  coordinate,
  decide,
  fixedWindow,
  post,
  register,
  sample,
  several,
  slidingWindow,
  slidingWindowCounter,
  takeMixed,
  texts,
  watch,
} from "../../src/stores/redis/scripts.gen.ts";
import type { Step } from "./arbitraries.ts";
import { assertLittleRoom, assertLogs, assertSmallLogs } from "./window_logs.ts";
import {
  assertFarRefused,
  assertForeignKept,
  assertForeignMarks,
  assertLogCut,
  assertLogEras,
  assertLogLives,
  assertManyCounted,
  assertOldRead,
  assertPagesSummed,
  assertPeekFails,
  assertRoomyLogs,
  assertStartsAgain,
  assertTurns,
  assertWindowChanged,
  assertWindowsChanged,
} from "./window_laws.ts";
import {
  assertLogsNamed,
  assertMixedRules,
  assertMixedSteps,
  assertMixedWaits,
  assertNewKeysCount,
  assertRulesThatCome,
  assertRulesThatGo,
} from "./mixed_laws.ts";
import { assertDetails } from "./detail_laws.ts";
import { assertRegister } from "../stores/mixed_rules/_rule_register.ts";
import { assertBoard, assertSample } from "./fleet_laws.ts";
import { assertParity, type ParityServices } from "./parity.ts";
import { assertRaisedServes, assertServersClock } from "./permit_laws.ts";
import {
  assertBlockKept,
  assertBlockLifted,
  assertBlockStays,
  assertErasJoined,
  assertFailsAlone,
  assertFarKept,
  assertFillKept,
  assertInboxEmptied,
  assertLeasesKept,
  assertLivesAlone,
  assertLivesInUse,
  assertRunsAfterCounts,
} from "./redis_laws.ts";

/** A mistake: in every script that has `right`, it becomes `wrong`. */
export interface Mutant {
  /** The Lua file. */
  readonly file: string;
  /** What is wrong, in words. */
  readonly name: string;
  /** The right text, within one line. In a file that is inlined, it is wrong at each place. */
  readonly right: string;
  /** The mistake. */
  readonly wrong: string;
  /** The law that notices it, where parity cannot. */
  readonly law?: (services: ParityServices) => Promise<void>;
}

const SCRIPTS: readonly Script[] = [
  bucket,
  coordinate,
  decide,
  fixedWindow,
  post,
  register,
  sample,
  several,
  slidingWindow,
  slidingWindowCounter,
  takeMixed,
  texts,
  watch,
];

const shorten = await shortenerOfScripts();

/** How often a mutant's text stands in each script. */
export function occurrences({ right }: Mutant): number[] {
  return SCRIPTS.map(({ source }) => source.split(shorten(right)).length - 1);
}

/** Replaces scripts by ones with the mistake, under digests of their own. */
export function seed({ right, wrong }: Mutant): (call: ScriptCall) => ScriptCall {
  const wrongs = new Map(SCRIPTS.map((script) => {
    const source = script.source.replaceAll(shorten(right), () => shorten(wrong));
    return [script, { name: script.name, source, sha1: createHash("sha1").update(source).digest("hex") }];
  }));
  return (call) => ({ ...call, script: wrongs.get(call.script) ?? call.script });
}

type Mistake = [name: string, right: string, wrong: string, law?: (services: ParityServices) => Promise<void>];

function mutants(file: string, ...mistakes: Mistake[]): Mutant[] {
  return mistakes.map(([name, right, wrong, law]) => ({ file, name, right, wrong, ...(law && { law }) }));
}

/** Takes all there is, resets, and takes again, on both stores: random sequences rarely meet what still counts. */
async function assertResetFrees(services: ParityServices): Promise<void> {
  const step = (ask: Step["ask"], share: number): Step => ({ move: { by: "us", us: 0 }, ask, share, pick: 0 });
  const steps = [step("now", 1), step("reset", 1), step("now", 1)];
  const minute = { algorithm: "sliding_window", limit: 1, windowMs: 60_000 } as const;
  for (const limiter of [{ maxConcurrent: 1 }, { limits: [minute, { ...minute, limit: 2 }] }]) {
    await assertParity([limiter], 1_767_225_600_000_000, steps, services);
  }
}

/**
 * A call over two limiters leaves the queue of one for that of the other. A waiter that is served then takes a unit, which the
 * reply counts. Fast-check found it, with seed -1135954577.
 */
function assertLevelsAfterServing(services: ParityServices): Promise<void> {
  const step = (ask: Step["ask"], pick: number, us: number | "retry" = 0): Step => {
    return { move: us === "retry" ? { by: "retry", offsetUs: -1 } : { by: "us", us }, ask, share: 0, pick };
  };
  const steps: Step[] = [
    step("now", 79),
    step("wait", 221),
    step("now", 0, "retry"),
    step("release", 0),
    step("now", 0),
    step("wait", 730, "retry"),
    step("now", 0, 30_000),
    { ...step("again", 538), together: true },
  ];
  const limiters = [
    { maxConcurrent: 1, maxWaiters: 0, leaseTtlMs: 100 },
    { ratePerSecond: 20, burst: 2, maxConcurrent: 1, maxWaiters: 2, leaseTtlMs: 100 },
  ];
  return assertParity(limiters, 1_700_000_000_000_000, steps, services);
}

/** One sequence on both stores: each request, after how long, for which share; what it picks, if not the first. */
function sequence(
  limiter: LimiterOptions,
  ...steps: readonly (Pick<Step, "ask"> & Partial<Step> & { readonly us?: number })[]
): (services: ParityServices) => Promise<void> {
  const all = steps.map(({ us = 0, ...step }): Step => ({ move: { by: "us", us }, share: 0, pick: 1, ...step }));
  return (services) => assertParity([limiter], 1_767_225_600_000_000, all, services);
}

const SECOND_BACK = { ask: "now", us: -1_000_000 } as const;

/** An empty bucket whose clock steps back: a peek, a denial that corrects it, and a give-back. */
const assertBucketSettled = sequence(
  { limit: 2, windowMs: 10 },
  { ask: "now", share: 1 },
  { ask: "peek", us: -1_000_000 },
  { ask: "now" },
  { ask: "now", us: 1 },
  { ask: "giveBack", pick: 0 },
);

/** A peek at a bucket that is in use, alone in its call, where a take would stay in the step for which the key lives. */
const assertLonePeek = sequence(
  { limit: 1_000, windowMs: 60_000 },
  { ask: "now" },
  { ask: "peek", us: 1 },
  { ask: "peek", us: 1 },
);

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

/** A log that lies ahead of its clock. */
const assertLogSettled = sequence(
  { algorithm: "sliding_window", limit: 3, windowMs: 10 },
  { ask: "now" },
  { ask: "now", us: 1, share: 0.5 },
  { ask: "peek", us: -1_000_000 },
  { ask: "now", share: 1 },
  { ask: "now", us: 5 },
);

const DAY_MS = 86_400_000;

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

/** The same in a bucket by itself. */
const assertSecondDayLives = sequence(
  { limit: 3, windowMs: DAY_MS },
  { ask: "now" },
  { ask: "now" },
  { ask: "now", share: 1, together: true },
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

const SHORT_LOG = { algorithm: "sliding_window", limit: 1, windowMs: 0.001 } as const;

const assertBlockReplaced = blockedTwice({ limits: [SHORT_LOG, SHORT_LOG] }, false);

/** A full log whose limiter is blocked for a shorter time. */
const assertFullLogBlocked = sequence(
  { ...SHORT_LOG, windowMs: 61_000 },
  { ask: "now" },
  { ask: "block", us: 1, share: 1e-4 },
  { ask: "now" },
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

const ONE_PERMIT = { maxConcurrent: 1, leaseTtlMs: 100 } as const;

/** A permit that is taken, given back and taken in one call. */
const assertReleasedOnce = sequence(
  { ...ONE_PERMIT, maxWaiters: 0 },
  { ask: "now" },
  { ask: "release", pick: 0, together: true },
  { ask: "now", together: true },
  { ask: "now" },
);

/** One queues by the long way, because the clock stepped back, and is served by a release of the same call. */
const assertLongWayForgets = sequence(
  ONE_PERMIT,
  { ask: "now" },
  { ask: "wait", us: -1_000_000 },
  { ask: "release", together: true },
);

/** A waiter whose time is up at the very instant at which the next call comes. */
const assertServedAtTimeout = sequence(
  { ...ONE_PERMIT, maxWaiters: 9 },
  { ask: "now" },
  { ask: "wait", pick: 38 },
  { ask: "now", us: 150_000 },
);

/** Waits for a bucket and a log, where the bucket has to fill: what comes after for the log alone is not put in front. */
function assertPromiseNotOvertaken(services: ParityServices): Promise<void> {
  const steps = [{ ask: "now", only: 0 }, { ask: "wait", pick: 2 }, { ask: "now", only: 1 }] as const;
  const all = steps.map((step): Step => ({ move: { by: "us", us: 0 }, share: 0, pick: 1, ...step }));
  const log = { ...SHORT_LOG, limit: 2 };
  return assertParity([{ limit: 1, windowMs: 0.013 }, log], 1_767_225_600_000_000, all, services);
}

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

/** A call over two limiters is first in line at the second, lacks the first then, and leaves: the call behind it is served. */
function assertPassedOn(services: ParityServices): Promise<void> {
  const steps = [
    { ask: "now", only: 1 },
    { ask: "wait", pick: 5 },
    { ask: "now", only: 0, us: 1 },
    { ask: "wait", only: 1 },
    { ask: "release", pick: 3 },
    { ask: "again", pick: 2 },
    // Then it is first in line at the first, keeps that place, and gets both when the second falls free.
    { ask: "release", pick: 1 },
    { ask: "again", pick: 2 },
    { ask: "now", only: 0 },
    { ask: "release", pick: 0 },
    { ask: "again", pick: 2 },
    { ask: "release", pick: 2 },
    { ask: "now", only: 0 },
  ] as const;
  const one = { maxConcurrent: 1 };
  const all = steps.map((step): Step => ({ move: { by: "us", us: 1 }, share: 0, pick: 1, ...step }));
  return assertParity([one, { ...one }], 1_767_225_600_000_000, all, services);
}

/** A permit that falls free in a call: the first end is read again by one who takes after it. */
const assertReadsAgain = sequence(
  { maxConcurrent: 2, leaseTtlMs: 100 },
  { ask: "now" },
  { ask: "now", us: 10_000 },
  { ask: "now", us: 1 },
  { ask: "release", pick: 2, together: true },
  { ask: "now", together: true },
);

/** What the long way has read of leases changes by the short one, before the long one looks again, all in one call. */
const assertForgets = sequence(
  { maxConcurrent: 2, leaseTtlMs: 100, maxWaiters: 1 },
  { ask: "now" },
  { ask: "now", us: 10_000 },
  { ask: "wait", us: 1 },
  { ask: "wait" },
  { ask: "release", pick: 3, together: true },
  { ask: "wait", together: true },
  { ask: "wait", together: true },
);

/** The clock steps back while a permit is held: one comes, or one that queues asks again. */
const assertLeasesCut = sequence(
  { maxConcurrent: 1, leaseTtlMs: 100 },
  { ask: "now" },
  SECOND_BACK,
);
const assertLeasesCutAgain = sequence(
  { maxConcurrent: 1, leaseTtlMs: 100 },
  { ask: "now" },
  { ask: "wait" },
  { ask: "again", pick: 0, us: -1_000_000 },
);

/** Takes all there is, waits as long as may be, and asks again after having been denied. */
const assertWaitsNoLonger = sequence(
  { ratePerSecond: 100, burst: 100 },
  { ask: "now", share: 1, us: 5_000 },
  ...Array.from({ length: 17 }, () => ({ ask: "wait", pick: 2 }) as const),
);

/** Waits for the end of a block, and gives back an older take while that instant is promised. */
const assertPromiseKept = sequence(
  { ratePerSecond: 1, burst: 4 },
  { ask: "now" },
  { ask: "now" },
  { ask: "block", share: 1 },
  { ask: "wait" },
  { ask: "giveBack", pick: 4 },
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

/** Hands a slot over, and lets the one who waited ask only later. */
const assertHeardLate = sequence(
  { maxConcurrent: 1, leaseTtlMs: 100 },
  { ask: "now" },
  { ask: "wait" },
  { ask: "release" },
  { ask: "again", us: 50_000, pick: 0 },
);

/** A call over two limiters asks again when it queues, when it is served, and when it has what it asked for. */
function assertTakenOnce(services: ParityServices): Promise<void> {
  const steps = [
    { ask: "now", only: 1 },
    { ask: "wait", pick: 5 },
    { ask: "again", pick: 0 },
    { ask: "release", pick: 1 },
    { ask: "again", pick: 0 },
    { ask: "again", pick: 0 },
  ] as const;
  const one = { ratePerSecond: 1, burst: 9, maxConcurrent: 1, leaseTtlMs: 100 };
  const all = steps.map((step): Step => ({ move: { by: "us", us: 1 }, share: 0, pick: 1, ...step }));
  return assertParity([one, { ...one }], 1_767_225_600_000_000, all, services);
}

/** All of them. */
export const MUTANTS: readonly Mutant[] = [
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
      '#KEYS == 1 and (ARGV[3] == "0" or ARGV[3] == "2")',
      '#KEYS == 1 and ARGV[3] <= "2"',
      assertLonePeek,
    ],
    ["a lone count taken once", '(ARGV[3] == "0" or ARGV[3] == "2")', 'ARGV[3] ~= "1"'],
    [
      "a lone wait longer than was asked for",
      "ARGV[5] + (ARGV[8] or 0)",
      "ARGV[5] + (ARGV[8] or 0) * 2",
      assertWaitsNoLonger,
    ],
    [
      "a lone key that lives too short",
      "cost_text + 0, 1000 * 4 ^ (ttl_tag - 50), ttl_tag * ERA_US",
      "cost_text + 0, 2 ^ 40, ttl_tag * ERA_US",
      assertLivesAlone,
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
    ["what was not there, left without an end", 'local value = ""', "local value", assertLivesInUse],
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
    ["a cost that is one", "ARGV[5] + 0\nlocal value", "1\nlocal value", assertCostDenied],
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
    ["a clock that stands still", "local now = tonumber(ARGV[1])", "local now = 1767225600000000"],
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
      "a log of another window taken for this one's",
      "local plain = length == window and stored",
      "local plain = stored",
      assertWindowChanged,
    ],
    ["a promised instant overtaken", "or newest >= now or blocked > now", "or blocked > now"],
    ["a block ignored", "or newest >= now or blocked > now", "or newest >= now", assertFullLogBlocked],
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
  ...mutants(
    "_windows.lua",
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
    "_reach_after.lua",
    ["a bucket that cannot stand there taken from", "if reach == 0 or", "if", assertPacingSettled],
    ["a promise forgotten that lies ahead", "reach > 0 and reach or 1", "1", assertFarPromise],
    ["a promise remembered that has passed", "else\nreach = 0\nend", "end", assertFarPromise],
  ),
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
      'append(log, runs)\ncall("SETRANGE", log.key, "0", header(log))',
      "append(log, runs)",
      assertLogs,
    ],
    ["no time to live", 'call("PEXPIRE", log.key, ttl)', "", assertLogLives],
    ["a log told as one of single units", "log.ones and cost == 1 and not replaced", "log.ones"],
    ["units of one instant counted twice", "added = cost - replaced", "added = cost"],
  ),
  ...mutants(
    "_run_log.lua",
    ["a run too late out of the window", "not need and stamp > before then", "not need and stamp >= before then"],
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
      "the units of a page not written",
      'pack("<I4", log.tail))\nend\nend\nend',
      'pack("<I4", 1))\nend\nend\nend',
      assertPagesSummed,
    ],
  ),
  ...mutants(
    "_run_log_corrections.lua",
    ["the units of a page left as they were", 'pack("<I4", max(sum - less, 0)))', 'pack("<I4", sum))', assertLogs],
    ["the units of the newest page left as they were", "log.tail = log.tail - less", "", assertLogs],
    ["all units of an instant given back", "local less = min(units - given, own)", "local less = own"],
    ["runs without units that are relied on", "if units > 0 then break end", "do break end"],
    [
      "a promise that outlives its run",
      "log.promised, log.newest = min(log.promised, stamp), stamp",
      "log.newest = stamp",
      assertPromiseEnds,
    ],
    ["promised units forgiven", "if log.count > 0 and log.newest > now then", "if false then", assertPromisedKept],
    [
      "more forgiven than was meant",
      "reduce(log, 0, stamp, own, forgiven - before)",
      "reduce(log, 0, stamp, own, own)",
    ],
  ),
  ...mutants(
    "_ttl_tag.lua",
    ["digits that are not of this era", "local era = now - now % ERA_US", "local era = 0"],
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
  ...mutants(
    "_plan.lua",
    ["block ignored", "local at = max(now, target.blocked)", "local at = now"],
    ["only the last limit asked", "at = max(at, rate.kernel.earliest(", "at = (rate.kernel.earliest("],
    [
      "taken from the first limit only",
      "if state then states[i] = state end",
      "if state and i == 1 then states[i] = state end",
    ],
  ),
  ...mutants(
    "coordinate.lua",
    [
      "the first tenth of each second misread",
      'now_text = time[1] .. string.sub("00000" .. time[2], -6)',
      "now_text = time[1] .. time[2]",
      assertServersClock,
    ],
    [
      "an instant that is given to it not used",
      "local now, now_text = tonumber(ARGV[1]), ARGV[1]",
      "local now, now_text",
    ],
    [
      "what is long taken for short",
      'if ARGV[3] == "" then return make_general({}) end',
      "",
    ],
  ),
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
    "_slots.lua",
    [
      "leases of the long way that live for less than the short one counts on",
      "local book, us = books[target.leases], max(4 * target.policy.lease_ttl, 60000000)",
      "local book, us = books[target.leases], 4 * target.policy.lease_ttl",
      assertLeasesKept,
    ],
    [
      "one slot too many",
      "local missing = live + slots - target.policy.slots",
      "local missing = live + slots - target.policy.slots - 1",
    ],
    [
      "a lease that has ended counted",
      'book.live = call("ZCOUNT", target.leases, "(" .. now_text',
      'book.live = call("ZCOUNT", target.leases, now_text',
    ],
    ["a fence that does not increase", "return max(now, book_of(target).fence + 1)", "return now"],
    ["a fence not remembered", 'call("ZADD", target.leases, fence_text(fence), "#", ', 'call("ZADD", target.leases, '],
    [
      "only one slot given back",
      'removed = removed + call("ZREM", target.leases, id .. "+" .. slot)',
      'removed = removed + call("ZREM", target.leases, id)',
    ],
    ["leases that expire as keys before they end", "max(4 * target.policy.lease_ttl, 60000000)\nif book", "1\nif book"],
    ["the wrong lease awaited", '"LIMIT", n - 1, "1")', '"LIMIT", "0", "1")'],
    ["leases that have ended taken for others", "book.tidy = not first[4] or first[4] + 0 > now", "book.tidy = true"],
    [
      "leases that have ended left behind",
      'if not book.tidy then call("ZREMRANGEBYSCORE", target.leases, "1", now_text) end',
      "",
    ],
    [
      "leases that a step back makes longer",
      "if length and late[i + 1] - now > length then",
      "if false then",
      assertLeasesCut,
    ],
    ["a batch that counts a lease twice", "book.live + 1, true", "book.live + 2, true"],
    ["a batch that forgets who ends first", "book.first_end = min(book.first_end, ends)", "book.first_end = ends"],
  ),
  ...mutants(
    "_stamps.lua",
    [
      "a time to live that is not long enough left as it is",
      'if call("PTTL", key) < ttl_ms(now + us)',
      'if call("PTTL", key) < 0',
      assertLeasesKept,
    ],
    ["the fence of another instant", 'return fence == now and "-" .. now_text or', 'return "-" .. now_text or'],
  ),
  ...mutants(
    "_inbox.lua",
    ["an inbox never emptied", 'call("LTRIM", box, "0", "0")', "", assertInboxEmptied],
    ["an inbox that stays for ever", 'call("PEXPIRE", box, INBOX_MS)', "", assertInboxEmptied],
    ["an inbox whose end is not reported", 'messages[#messages + 1] = "missed " .. instance', "", assertInboxEmptied],
  ),
  ...mutants(
    "_short_permits.lua",
    ["a queue not seen by the short way", 'call("EXISTS", waiters, main)', 'call("EXISTS", main)'],
    ["a block not seen by the short way", 'call("EXISTS", waiters, main)', 'call("EXISTS", waiters)'],
    [
      "a release by the short way that serves no waiter",
      "if is_release and queue == 0 then",
      "if is_release then",
    ],
    [
      "a release that the long way goes on with as if no lease had ended",
      "waiters, is_older, removed)\nend\n",
      "waiters, is_older, 0)\nend\n",
    ],
    [
      "a release that a batch forgets",
      "live, first_end = live - removed, nil",
      "first_end = nil",
      assertReleasedOnce,
    ],
    [
      "a first end that a batch does not read again",
      "live, first_end = live - removed, nil",
      "live = live - removed",
      assertReadsAgain,
    ],
    [
      "what is known of one key taken for another",
      "key = key + 3\nquiet, live = false, nil",
      "key = key + 3",
    ],
    [
      "what the short way knows kept after the long one",
      "quiet, live, done = false, nil, 1",
      "done = 1",
      assertLongWayForgets,
    ],
  ),
  ...mutants(
    "_short_queue.lua",
    ["a timeout that the short way does not see", "whose and now - entry[2] <= longest_wait + 0", "whose"],
    ["those who are gone kept by the short way", "first = way and entry[1]", "first = entry[1]"],
    [
      "a permit granted to one that asks to be first in line",
      '"^([^.]*)%.[^.]*%.d%.(%d+)%.1%.1$"',
      '"^([^.]*)%.[^.]*%..%.(%d+)%.1%.1$"',
    ],
    [
      "one that wants more given a permit",
      '"^([^.]*)%.[^.]*%.d%.(%d+)%.1%.1$"',
      '"^([^.]*)%.[^.]*%.d%.(%d+)%.%d+%.%d+$"',
    ],
  ),
  ...mutants(
    "_short_hears.lua",
    ["one process taken for another", "if whose ~= instance then", "if not instance then"],
  ),
  ...mutants(
    "_short_take.lua",
    [
      "the token counted as a lease",
      "if members == 1 or first_end > now then live = members - 1 end",
      "if members == 1 or first_end > now then live = members end",
    ],
    [
      "a lease that has ended counted by the short way",
      "if members == 1 or first_end > now then live = members - 1 end",
      "live = members - 1",
    ],
    [
      "a lease that has ended counted where the token is older",
      'if entries[1] == "#" and entries[4] + 0 > now then',
      'if entries[1] == "#" then',
    ],
    [
      "the token counted as a lease where it is older",
      "live, fence, first_end = members - 1,",
      "live, fence, first_end = members,",
    ],
    ["one permit too many, the short way", "live and permits - live", "live and permits - live + 1"],
    [
      "those in line overtaken",
      "room > 0 and (not first or is_release and room == 1) then",
      "room > 0 then",
      assertRaisedServes,
    ],
    [
      "one served where there is room for more",
      "room > 0 and (not first or is_release and room == 1) then",
      "room > 0 and (not first or is_release) then",
      assertRaisedServes,
    ],
    [
      "leases that a step back makes longer, the short way",
      'if room == 0 and not is_release and call("ZCOUNT", leases, "(" .. ends, "+inf") > 0 then room = nil end',
      "",
      assertLeasesCut,
    ],
    ["a fence that stays, the short way", "if fence >= now then token = fence + 1 end", ""],
    ["more taken together than there is room", "while done < room and", "while"],
    ["one that was served kept in line", 'if first then call("ZREM", waiters, first) end', ""],
    ["a permit handed over under the id of the one who released it", "ends, first or ARGV[id])", "ends, ARGV[id])"],
    [
      "a permit that a batch forgets",
      "live, fence = live + done, token + done - 1",
      "fence = token + done - 1",
    ],
    [
      "a token that a batch forgets",
      "live, fence = live + done, token + done - 1",
      "live = live + done",
    ],
    [
      "a token stored that is not the last",
      'format("%.0f", 1 - token - done), "#"',
      'format("%.0f", -token), "#"',
    ],
    [
      "the first end of a batch not seen",
      "if live == 0 or now + ttl < first_end then first_end = now + ttl end",
      "",
    ],
    [
      "one that was served told something else",
      "now_text, live + 1, first_end - now",
      "now_text, live, first_end - now",
    ],
    ["one that was served not told", 'call("PUBLISH", ARGV[4] .. instance, message)', ""],
    [
      "a message to oneself lost, the short way",
      'messages[#messages + 1] = message\nelse\ncall("PUBLISH"',
      'else\ncall("PUBLISH"',
      assertInboxEmptied,
    ],
    [
      "a queue without a bound, the short way",
      'room == 0 and (ARGV[policy + 2] == "-1" or call("ZCARD", waiters) < ARGV[policy + 2] + 0)',
      "room == 0",
    ],
    [
      "arrivals at one instant tie, the short way",
      'if first and call("ZCOUNT", waiters, now_text, "+inf") > 0',
      "if false",
    ],
    ["a queue that a batch forgets", "quiet, has_written, done = false, true, 1", "has_written, done = true, 1"],
    ["long leases taken on trust", "or ttl > LONGEST_TRUSTED_US then", "then", assertLeasesKept],
  ),
  ...mutants(
    "_short_keep.lua",
    [
      "leases that expire as keys, the short way",
      'if call("PTTL", kept) < life then',
      "if false then",
      assertLeasesKept,
    ],
  ),
  ...mutants(
    "_queue.lua",
    [
      "last come, first served",
      'local entry = call("ZRANGE", target.waiters',
      'local entry = call("ZREVRANGE", target.waiters',
    ],
    ["arrivals at one instant tie", "arrival = max(now, (last[2] or 0) + 1)", "arrival = now"],
    ["a queue not seen", "target.quiet = others == 0", "target.quiet = true"],
    ["a block not seen", 'call("EXISTS", target.waiters, target.key)', 'call("EXISTS", target.waiters)'],
    ["a batch that remembers who has left", "heads[target.waiters] = nil\nreturn", "return"],
    [
      "a batch that does not see who has come",
      "heads[target.waiters], target.quiet = nil, false",
      "target.quiet = false",
    ],
    ["a timeout off by one", "waited <= tonumber(timeout)", "waited < tonumber(timeout)", assertServedAtTimeout],
    ["those who are gone kept", "and is_listening(instance) then", "then"],
    ["a rate not taken when a slot is handed over", "commit(waiter, now)", ""],
    ["no waiter told", 'tell("granted", waiter, reply)', ""],
    [
      "a permit handed over without its rate",
      'if at > now then\nif waiter.id ~= asking then tell("turn", waiter, { at - now }) end\nreturn\nend',
      "",
    ],
    [
      "what the first in line needs given to others",
      "place, reserved = place + 1, reserved + waiter.slots",
      "place = place + 1",
    ],
    ["all behind the first in line held up", "place, reserved = place + 1, reserved + waiter.slots", "return"],
    [
      "what is kept for those in front taken",
      "reserved = reserved + waiter.slots\nif waiter.direct",
      "if waiter.direct",
    ],
    ["a direct waiter overtaken", "if waiter.direct or slot_wait(target, reserved", "if slot_wait(target, reserved"],
    ["one that came before taken for one behind", "(arrival > 0 and waiter.arrival > arrival)", "false"],
    ["the lease of those in front not awaited", "if wait > 0 then return min(wait, target.policy.lease_ttl) end", ""],
    [
      "a kept place called again and again",
      "if not waiter.kept and waiter.id",
      "if waiter.id",
      assertPassedOn,
    ],
    [
      "a place that is left while it waits elsewhere",
      'call("ZADD", target.waiters, stamp(arrival), id .. "k") -- first',
      "-- first",
      assertPassedOn,
    ],
    ["a kept place left behind", 'target.waiters, id, id .. "k")', "target.waiters, id)", assertPassedOn],
    ["one more than may wait", "< most then return false end", "<= most then return false end"],
    ["an inbox that is not looked for", 'has_inbox(instance) and "inbox" or false', "false", assertInboxEmptied],
    ["a message left nowhere", 'call("RPUSHX", inbox(waiter.instance), message)', "", assertInboxEmptied],
    [
      "a message to oneself lost",
      'local way = hears[waiter.instance]\nif way == "caller" then\nmessages[#messages + 1] = message\n',
      'local way = hears[waiter.instance]\nif way == "caller" then\n',
    ],
  ),
  ...mutants(
    "_take_slots.lua",
    [
      "the queue jumped",
      "return slot_wait(target, target.slots) > 0 or is_behind(target, id, arrival)",
      "return slot_wait(target, target.slots) > 0",
    ],
    [
      "rates as they were before others were served",
      "load(target)\nend\nend\nend\nif not queue",
      "end\nend\nend\nif not queue",
      assertLevelsAfterServing,
    ],
    [
      "queued for a permit that is free, where a rate is missing",
      "local lacks_rate = #targets > 1 and rate_wait > 0",
      "local lacks_rate = false",
    ],
    [
      "leases that a step back makes longer for those who queue",
      "cut_leases(target)\nreply[1], reply[2]",
      "reply[1], reply[2]",
      assertLeasesCutAgain,
    ],
    ["many kept for few", "return few < many or", "return few > many or"],
    ["nothing kept", "if queue and is_before(target, queue) then", "if false then", assertPassedOn],
    [
      "a place left without a word",
      "elseif leave(target, id) > 0 then\npromote(target)",
      "elseif leave(target, id) > 0 then",
      assertPassedOn,
    ],
    ["a queue without a bound", "if queue and arrival == 0 and is_queue_full(queue) then", "if false then"],
    ["still in the queue after being served", "if arrival > 0 then leave(target, id) end", ""],
    ["a call charged again that has it all", "if before then return before end", "", assertTakenOnce],
    [
      "a call told that it has it all, which has not",
      "if target.policy.slots > 0 and not holds(target, id) then return end",
      "",
      assertTakenOnce,
    ],
    [
      "what was taken before told as taken now",
      "local reply = { 6, 0, arrival }",
      "local reply = { 1, 0, arrival }",
      assertTakenOnce,
    ],
    [
      "no fence for a call that asks again",
      "look(target)\nfence = hold_on(target, id)",
      "look(target)\nhold_on(target, id)",
      assertTakenOnce,
    ],
    ["asked again too early", "return 3, recheck(queue, id), arrival", "return 3, 0, arrival"],
    [
      "a lease that may end as soon as it is heard of",
      "extend(target, id, target.slots)\nlocal fence = ",
      "local fence = ",
      assertHeardLate,
    ],
    [
      "no fence for one who polls",
      "slot_level(reply, target, fence)\nreturn",
      "slot_level(reply, target, nil)\nreturn",
    ],
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
    "_requests.lua",
    ["no waiter served when a slot is released", "if changed > 0 then promote(target) end", ""],
    [
      "a lease over time lost although its slot is free",
      "local held = ends and (tonumber(ends) > now or book_of(target).live + target.slots <= target.policy.slots)",
      "local held = ends and tonumber(ends) > now",
    ],
    ["a renewed lease that ends as before", "if held then extend(target, id, target.slots) end", ""],
  ),
  ...mutants(
    "_details.lua",
    ["the end of a block in place of the time to it", "max(target.blocked - now, 0)", "target.blocked", assertDetails],
    [
      "the wait of the call for each number of units",
      "rate.kernel.earliest(target.states[place], cost, rate)",
      "rate.kernel.earliest(target.states[place], target.cost, rate)",
      assertDetails,
    ],
    ["each permit counted as a process", 'string.match(id, "^[^.]*")', 'string.match(id, ".*")', assertDetails],
    [
      "a process counted whose lease has ended",
      'call("ZRANGEBYSCORE", target.leases, "(" .. now_text, "+inf")) do',
      'call("ZRANGEBYSCORE", target.leases, "1", "+inf")) do',
      assertDetails,
    ],
    ["no call that waits", 'reply[#reply + 1] = call("ZCARD", target.waiters)', "reply[#reply + 1] = 0", assertDetails],
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
    ["no waiter served when a block is lifted", "if duration == 0 and target.policy.slots > 0 then", "if false then"],
    [
      "leases left behind by a reset",
      'call("ZREMRANGEBYSCORE", target.leases, "1", "+inf")',
      "",
      assertResetFrees,
    ],
    ["rings left behind by a reset", 'call("DEL", key)', "", assertResetFrees],
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
    "_coordinate.lua",
    [
      "every request answered in the same place",
      "replies[i + 1] = reply",
      "replies[1] = reply",
    ],
    [
      "what others know kept after the short way",
      "if is_older then\nbooks, heads = {}, {}\nend",
      "",
      assertForgets,
    ],
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
  ...mutants(
    "post.lua",
    ["a report kept without a watcher", 'if not call("GET", KEYS[1]) then return 0 end', "", assertBoard],
    [
      "a report that does not end",
      'call("SET", KEYS[2], ARGV[1], "PX", ARGV[2])',
      'call("SET", KEYS[2], ARGV[1])',
      assertBoard,
    ],
    [
      "a process listed again and again",
      'if not string.find(index, "\\n" .. name .. "\\n", 1, true) then',
      "if true then",
      assertBoard,
    ],
    ["a list that ends with a report", '"PX", 3 * ARGV[2])', '"PX", ARGV[2])', assertBoard],
  ),
  ...mutants(
    "watch.lua",
    [
      "a watch that ends at once",
      'call("SET", KEYS[1], "1", "PX", ms)',
      'call("SET", KEYS[1], "1", "PX", 1)',
      assertBoard,
    ],
    ["a long list kept", "if #index > most then", "if false then", assertBoard],
    ["processes that are gone listed on", "if from then index", "if false then index", assertBoard],
    [
      "a list that lives as long as a watch",
      'call("SET", KEYS[2], index, "PX", 3 * ms)',
      'call("SET", KEYS[2], index, "PX", ms)',
      assertBoard,
    ],
  ),
  ...mutants(
    "texts.lua",
    ["a long report passed on", "text and (#text <= most and text or 1) or 0", "text or 0", assertBoard],
    [
      "a long report missing",
      "text and (#text <= most and text or 1) or 0",
      "text and #text <= most and text or 0",
      assertBoard,
    ],
  ),
  ...mutants(
    "sample.lua",
    ["a block taken for the value behind it", 'first == "b" and', "false and", assertSample],
    ["the life of keys left out", 'type(life) == "number" and life or -2', "-2", assertSample],
    ["another byte than the first one", 'try("GETRANGE", key, 0, 0)', 'try("GETRANGE", key, 1, 1)', assertSample],
  ),
];
