/**
 * Mistakes in the Lua of permits, by the short way.
 *
 * @module
 */

import type { Step } from "../arbitraries.ts";
import { assertParity, type ParityServices } from "../parity.ts";
import { assertLoneLeasesKept, assertQueueKept, assertRaisedServes } from "../permit_laws.ts";
import { assertInboxEmptied, assertLeasesKept } from "../redis_laws.ts";
import { type Mutant, mutants } from "./mutant.ts";
import {
  assertEndedSeen,
  assertNoneOvertaken,
  assertPermitFirst,
  assertRatedServed,
  assertRatedTaken,
} from "./rated_permits.ts";
import { ONE_PERMIT, SECOND_BACK, sequence } from "./sequences.ts";

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

/** A permit that falls free in a call: the first end is read again by one who takes after it. */
const assertReadsAgain = sequence(
  { maxConcurrent: 2, leaseTtlMs: 100 },
  { ask: "now" },
  { ask: "now", us: 10_000 },
  { ask: "now", us: 1 },
  { ask: "release", pick: 2, together: true },
  { ask: "now", together: true },
);

/** Steps on two limiters of one permit each. */
function twoKeys(...steps: readonly Partial<Step>[]): (services: ParityServices) => Promise<void> {
  const all = steps.map((step): Step => ({ move: { by: "us", us: 1 }, ask: "now", share: 0, pick: 1, ...step }));
  return (services) => assertParity([ONE_PERMIT, { ...ONE_PERMIT }], 1_767_225_600_000_000, all, services);
}

/** The clock steps back while a permit is held: one comes, or one that queues asks again. */
const assertLeasesCut = sequence(
  { maxConcurrent: 1, leaseTtlMs: 100 },
  { ask: "now" },
  SECOND_BACK,
);

/** The same where the lease that is too long is not the first to end. */
const assertLaterLeaseCut = sequence(
  { maxConcurrent: 2, leaseTtlMs: 100 },
  { ask: "now" },
  { ask: "now", us: 90_000 },
  { ask: "now", us: -80_000 },
  { ask: "now", us: 105_000 },
);

/** One key is blocked, and a call has to do with it and another one. */
const assertBlockSeen = twoKeys(
  { ask: "block", share: 1, only: 0 },
  { ask: "now", only: 0 },
  { ask: "now", only: 1, together: true },
);

/** In one call, two queue at a key, and between them one comes to another. */
const assertQueueRemembered = twoKeys(
  { ask: "now", only: 0 },
  { ask: "wait", only: 0 },
  { ask: "now", only: 1, together: true },
  { ask: "wait", only: 0, together: true },
);

/** The mistakes. */
export const PERMITS: readonly Mutant[] = [
  ...mutants(
    "_permits.lua",
    [
      "leases of the long way that live for less than the short one counts on",
      "local book, us = books[target.leases], max(4 * target.policy.lease_ttl, 60000000)",
      "local book, us = books[target.leases], 4 * target.policy.lease_ttl",
      assertLeasesKept,
    ],
    [
      "one permit too many",
      "local missing = live + permits - target.policy.permits",
      "local missing = live + permits - target.policy.permits - 1",
    ],
    [
      "a lease that has ended counted",
      'book.live = call("ZCOUNT", target.leases, "(" .. now_text',
      'book.live = call("ZCOUNT", target.leases, now_text',
    ],
    ["a fence that does not increase", "return max(now, book_of(target).fence + 1)", "return now"],
    ["a fence not remembered", 'call("ZADD", target.leases, fence_text(fence), "#", ', 'call("ZADD", target.leases, '],
    [
      "only one permit given back",
      'removed = removed + call("ZREM", target.leases, id .. "+" .. permit)',
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
    "_alone_request.lua",
    [
      "a lone release that serves no waiter, beside rates",
      'elseif try("EXISTS", KEYS[#KEYS]) == 0 then\nreturn',
      "else\nreturn",
      assertRatedServed,
    ],
  ),
  ...mutants(
    "_alone_rated.lua",
    [
      "one permit too many, beside rates",
      "if live and live < permits + 0 then",
      "if live and live <= permits + 0 then",
      assertRatedTaken,
    ],
    ["the bucket of another target", 'KEYS[letters == "B" and 4 or 1]', "KEYS[1]", assertPermitFirst],
    [
      "those in line overtaken, beside rates",
      'letters == "T" and -1 or 1)]) == 0',
      'letters == "T" and -1 or 1)]) ~= nil',
      assertNoneOvertaken,
    ],
    ["a lease that has ended counted, beside rates", "if ends <= now then live = nil end", "", assertEndedSeen],
    ["the end of others not told, beside rates", "if ends < first_end then first_end = ends end", "", assertRatedTaken],
    ["a remainder not told", "first_end - now, full_in, rem }", "first_end - now, full_in, 0 }", assertRatedTaken],
    [
      "a fence that stays, beside rates",
      '"(-" .. now_text, step_token) == 1',
      '"-" .. now_text, step_token) == 1',
      assertRatedTaken,
    ],
  ),
  ...mutants(
    "_alone_release.lua",
    ["a lone release that serves no waiter", "elseif others == 0 then\nreturn", "else\nreturn"],
  ),
  ...mutants(
    "_alone_take.lua",
    ["those in line overtaken by one alone", "if others == 0 and ttl <=", "if ttl <="],
    [
      "long leases taken on trust, alone",
      "if others == 0 and ttl <= LONGEST_TRUSTED_US then",
      "if others == 0 then",
      assertLeasesKept,
    ],
    [
      "a step in which no permit was taken",
      'string.sub(now_text, 1, -8) .. "0000000"\nif members',
      '"0"\nif members',
      assertLoneLeasesKept,
    ],
    ["a fence that stays, alone", '"(" .. below_now, step_token', "below_now, step_token"],
    ["a lease that has ended counted, alone", "if first_end <= now then live = permits + 0 end", ""],
    [
      "an end that is sooner than that of others not told, alone",
      "if first_end > ends then first_end = ends end",
      "",
      assertLoneLeasesKept,
    ],
    ["the end of others not told, alone", "first_end = entry[2] + 0\nif first_end <= now", "if first_end <= now"],
    ["one permit too many, alone", "if live < permits + 0 then", "if live <= permits + 0 then"],
  ),
  ...mutants(
    "_short_trust.lua",
    ["leases trusted to be short", "= 60000000, 10000000, 20000000", "= 60000000, 10000000, 1e15", assertLeasesKept],
  ),
  ...mutants(
    "_short_permits.lua",
    ["what is beside leases not looked at", 'redis.pcall("EXISTS", unpack(KEYS, keys + 1))', "0"],
    [
      "a queue not seen by the short way",
      'queue or call("EXISTS", KEYS[keys + 2 * key - 1], KEYS[keys + 2 * key])',
      'queue or call("EXISTS", KEYS[keys + 2 * key - 1])',
    ],
    [
      "a block not seen by the short way",
      'queue or call("EXISTS", KEYS[keys + 2 * key - 1], KEYS[keys + 2 * key])',
      'queue or call("EXISTS", KEYS[keys + 2 * key])',
      assertBlockSeen,
    ],
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
      "live = live - removed",
      "",
      assertReleasedOnce,
    ],
    [
      "a first end that a batch does not read again",
      "if ARGV[id] == first_id then first_end = nil end",
      "",
      assertReadsAgain,
    ],
    [
      "what is known of one key taken for another",
      "leases, live = KEYS[key], nil",
      "leases = KEYS[key]",
    ],
    [
      "what the short way knows kept after the long one",
      "has_written, queue, live, others = false, nil, nil, nil",
      "has_written = false",
      assertLongWayForgets,
    ],
  ),
  ...mutants(
    "_short_queue.lua",
    ["a timeout that the short way does not see", "whose and now - arrived <= longest_wait + 0", "whose"],
    ["those who are gone kept by the short way", "first = way and entry[1] or false", "first = entry[1]"],
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
      "if first_end > now then live = members - 1 end",
      "if first_end > now then live = members end",
    ],
    [
      "a lease that has ended counted by the short way",
      "if first_end > now then live = members - 1 end",
      "live = members - 1",
    ],
    [
      "a lease that has ended counted where the token is older",
      'if entries[1] == "#" and entries[4] + 0 > now then',
      'if entries[1] == "#" then',
    ],
    [
      "the token counted as a lease where it is older",
      "live, fence, first_id, first_end = members - 1,",
      "live, fence, first_id, first_end = members,",
    ],
    ["one permit too many, the short way", "live and permits - live", "live and permits - live + 1"],
    [
      "those in line overtaken",
      "room > 0 and (queue == 0 or first) then",
      "room > 0 then",
      assertRaisedServes,
    ],
    [
      "one served where there is room for more",
      "elseif room == 1 then",
      "else",
      assertRaisedServes,
    ],
    [
      "leases that a step back makes longer, the short way",
      "local is_late = first_end > now + ttl or",
      "local is_late =",
      assertLeasesCut,
    ],
    [
      "a lease behind others that a step back makes longer, the short way",
      'first_end > now + ttl or permits > 1 and call("ZCOUNT", leases, "(" .. ends, "+inf") > 0',
      "first_end > now + ttl",
      assertLaterLeaseCut,
    ],
    ["a fence that stays, the short way", "if fence >= now then token = fence + 1 end", ""],
    ["more taken together than there is room", "while done < room and", "while"],
    ["one that was served kept in line", 'if first then call("ZREM", KEYS[keys + 2 * key], first) end', ""],
    ["a permit handed over under the id of the one who released it", "now, first or ARGV[id]", "now, ARGV[id]"],
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
      'format("%d", 1 - token - done), "#"',
      'format("%d", -token), "#"',
    ],
    [
      "the first end of a batch not seen",
      "first_id, first_end = new, now + ttl",
      "",
    ],
    [
      "one that was served told something else",
      "now_text, live + 1, first_end - now",
      "now_text, live, first_end - now",
    ],
    ["one that was served not told", 'call("PUBLISH", string.match(hears, ":(.*)") .. instance, message)', ""],
    [
      "a message to oneself lost, the short way",
      'messages[#messages + 1] = message\nelse\ncall("PUBLISH"',
      'else\ncall("PUBLISH"',
      assertInboxEmptied,
    ],
    [
      "a queue without a bound, the short way",
      'elseif most_waiters == "-1" or (first and call("ZCARD", waiters) or 0) < most_waiters + 0 then',
      "else",
    ],
    [
      "arrivals at one instant tie, the short way",
      'if first and call("ZCOUNT", waiters, now_text, "+inf") > 0',
      "if false",
    ],
    [
      "a queue that a batch forgets",
      "queue, others, has_written, done = 1, nil, true, 1",
      "others, has_written, done = nil, true, 1",
    ],
    [
      "a queue that a batch forgets when it comes back to the key",
      "queue, others, has_written, done = 1, nil, true, 1",
      "queue, has_written, done = 1, true, 1",
      assertQueueRemembered,
    ],
    [
      "long leases taken on trust",
      "step_from + STEP_US or ttl > LONGEST_TRUSTED_US then",
      "step_from + STEP_US then",
      assertLeasesKept,
    ],
    ["a queue that expires", "first and arrived >= step_from and", "first and", assertQueueKept],
  ),
  ...mutants(
    "_short_keep.lua",
    [
      "leases that expire as keys, the short way",
      "if left < life then",
      "if false then",
      assertLeasesKept,
    ],
  ),
];
