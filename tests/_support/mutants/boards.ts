/**
 * Mistakes in the Lua of plans, of details of keys, and of what processes tell each other.
 *
 * @module
 */

import { assertDetails } from "../detail_laws.ts";
import { assertBoard, assertSample } from "../fleet_laws.ts";
import { type Mutant, mutants } from "./mutant.ts";

/** The mistakes. */
export const BOARDS: readonly Mutant[] = [
  ...mutants(
    "_plan.lua",
    ["block ignored", "charges and now or max(now, target.blocked)", "now"],
    ["charged when the block ends", "charges and now or max(now, target.blocked)", "max(now, target.blocked)"],
    ["only the last limit asked", "at = max(at, rate.kernel.earliest(", "at = (rate.kernel.earliest("],
    [
      "taken from the first limit only",
      "if state then states[i] = state end",
      "if state and i == 1 then states[i] = state end",
    ],
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
