/**
 * Mistakes in the Lua of permits, by the short way.
 *
 * @module
 */

import { assertRaisedServes } from "../permit_laws.ts";
import { assertInboxEmptied, assertLeasesKept } from "../redis_laws.ts";
import { type Mutant, mutants } from "./mutant.ts";
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

/** The clock steps back while a permit is held: one comes, or one that queues asks again. */
const assertLeasesCut = sequence(
  { maxConcurrent: 1, leaseTtlMs: 100 },
  { ask: "now" },
  SECOND_BACK,
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
];
