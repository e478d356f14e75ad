/**
 * Mistakes in the Lua of queues, and of what coordinates them.
 *
 * @module
 */

import type { Step } from "../arbitraries.ts";
import { assertServersClock } from "../permit_laws.ts";
import { assertInboxEmptied } from "../redis_laws.ts";
import { assertParity, type ParityServices } from "../parity.ts";
import { assertForeignLeft } from "../foreign_keys.ts";
import { type Mutant, mutants } from "./mutant.ts";
import { assertRatedServed } from "./rated_permits.ts";
import { ONE_PERMIT, sequence } from "./sequences.ts";

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

/** A waiter whose time is up at the very instant at which the next call comes. */
const assertServedAtTimeout = sequence(
  { ...ONE_PERMIT, maxWaiters: 9 },
  { ask: "now" },
  { ask: "wait", pick: 38 },
  { ask: "now", us: 150_000 },
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

const assertLeasesCutAgain = sequence(
  { maxConcurrent: 1, leaseTtlMs: 100 },
  { ask: "now" },
  { ask: "wait" },
  { ask: "again", pick: 0, us: -1_000_000 },
);

/** Hands a permit over, and lets the one who waited ask only later. */
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

/** The mistakes. */
export const QUEUES: readonly Mutant[] = [
  ...mutants(
    "coordinate.lua",
    [
      "the first tenth of each second misread",
      'now_text = time[1] .. (#time[2] == 6 and time[2] or string.sub("00000" .. time[2], -6))',
      "now_text = time[1] .. time[2]",
      assertServersClock,
    ],
    [
      "an instant that is given to it not used",
      "if string.byte(ARGV[1]) == 64 then\nnow_text",
      "if false then\nnow_text",
    ],
    [
      "what is long taken for short",
      'if letters == "" then return make_general({}, now, now_text, removed) end',
      "",
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
    ["a rate not taken when a permit is handed over", "commit(waiter, now)", ""],
    ["no waiter told", 'tell("granted", waiter, reply)', ""],
    [
      "a permit handed over without its rate",
      'if at > now then\nif waiter.id ~= asking then tell("turn", waiter, { at - now }) end\nreturn\nend',
      "",
    ],
    [
      "what the first in line needs given to others",
      "place, reserved = place + 1, reserved + waiter.permits",
      "place = place + 1",
    ],
    ["all behind the first in line held up", "place, reserved = place + 1, reserved + waiter.permits", "return"],
    [
      "what is kept for those in front taken",
      "reserved = reserved + waiter.permits\nif waiter.direct",
      "if waiter.direct",
    ],
    [
      "a direct waiter overtaken",
      "if waiter.direct or permit_wait(target, reserved",
      "if permit_wait(target, reserved",
    ],
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
    "_take_permits.lua",
    [
      "the queue jumped",
      "return permit_wait(target, target.permits) > 0 or is_behind(target, id, arrival)",
      "return permit_wait(target, target.permits) > 0",
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
      "if target.policy.permits > 0 and not holds(target, id) then return end",
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
      "extend(target, id, target.permits)\nlocal fence = ",
      "local fence = ",
      assertHeardLate,
    ],
    [
      "no fence for one who polls",
      "permit_level(reply, target, fence)\nreturn",
      "permit_level(reply, target, nil)\nreturn",
    ],
  ),
  ...mutants(
    "_requests.lua",
    [
      "a lone release that the long way runs again",
      "end_all(id, read_targets(), removed)",
      "end_all(id, read_targets())",
      assertRatedServed,
    ],
    ["no waiter served when a permit is released", "if changed > 0 then promote(target) end", ""],
    [
      "a lease over time lost although its permit is free",
      "local held = ends and (tonumber(ends) > now or book_of(target).live + target.permits <= target.policy.permits)",
      "local held = ends and tonumber(ends) > now",
    ],
    ["a renewed lease that ends as before", "if held then extend(target, id, target.permits) end", ""],
  ),
  ...mutants(
    "_coordinate.lua",
    [
      "a block put in front of what is no state",
      'rest ~= "" and not (',
      'rest ~= "" and false and not (',
      assertForeignLeft("permits"),
    ],
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
];
