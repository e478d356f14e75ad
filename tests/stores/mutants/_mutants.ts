/**
 * Seeds mistakes in the Lua, one at a time, and asks whether a law or parity with the memory store notices each.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { after, before, describe, it } from "node:test";

import fc from "fast-check";

import type { RedisConnection } from "../../../src/stores/redis/connections/connection.ts";
import { openNodeRedis } from "../../../src/stores/redis/connections/node_redis.ts";
import type { ScriptCall } from "../../../src/stores/redis/script_call.ts";
import {
  batchesArb,
  bucketKeysArb,
  limitersArb,
  permitLimitersArb,
  permitStepArb,
  severalKeysArb,
  startArb,
  stepArb,
  windowKeysArb,
} from "../../_support/arbitraries.ts";
import type { LimiterOptions } from "../../../src/policy/options.ts";
import { MUTANTS } from "../../_support/mutants/all.ts";
import { type Mutant, occurrences, SCRIPTS, seed } from "../../_support/mutants/mutant.ts";
import { assertBatchParity, assertParity } from "../../_support/parity.ts";
import { openRawRedis, type RawRedis } from "../../_support/raw_redis.ts";
import { redisUrl } from "../../_support/redis.ts";
import { ahead } from "../../_support/together.ts";

/** Where sequences begin to be tried: fixed, so that a mutant that is caught once always is. */
const SEED = 20_261_121;

/** The most sequences that a mutant may survive. */
const MOST_RUNS = 1_000;

const LUA = "src/stores/redis/lua";

/** Files whose mistakes show where permits are taken and waited for. */
export const PERMITS: readonly string[] = [
  "_alone_rated.lua",
  "_alone_release.lua",
  "_alone_request.lua",
  "_alone_take.lua",
  "_coordinate.lua",
  "coordinate.lua",
  "_queue.lua",
  "_short_hears.lua",
  "_short_permits.lua",
  "_short_queue.lua",
  "_short_take.lua",
  "_short_trust.lua",
  "_requests.lua",
  "_permits.lua",
  "_stamps.lua",
  "_take_permits.lua",
];

/** The files of scripts that decide about batches of takes, and on which limits these run. */
export const BATCHED: ReadonlyMap<string, fc.Arbitrary<LimiterOptions[]>> = new Map([
  ...["bucket.lua", "_alone_bucket.lua", "_in_step.lua", "_ttl_tag.lua", "_reach_after.lua"].map((file) =>
    [file, bucketKeysArb] as const
  ),
  ...[
    "fixed_window.lua",
    "sliding_window_counter.lua",
    "sliding_window.lua",
    "_in_counter.lua",
    "_joined.lua",
    "_in_fixed_window.lua",
    "_in_log.lua",
    "_short_window.lua",
    "_take_rest.lua",
    "_take_group.lua",
    "_clock.lua",
    "_take_head.lua",
    "_take_life.lua",
    "_take_groups.lua",
    "_take_tell.lua",
    "_take_windows.lua",
  ].map((file) => [file, windowKeysArb] as const),
  ...[
    "several.lua",
    "_several_limits.lua",
    "_alone_packed.lua",
    "_several_state.lua",
    "_several_left.lua",
    "_in_packed.lua",
    "_packing.lua",
    "_packed.lua",
  ]
    .map((file) => [file, severalKeysArb] as const),
]);

/**
 * Files with tests of their own: `check.lua` and `cluster_nodes.lua` decide nothing, and are tried against servers of every kind;
 * `_across_slots.lua` is in no script, and stands in front of those for several slots of a cluster (`node_batches_test.ts`).
 */
const APART: readonly string[] = ["check.lua", "cluster_nodes.lua", "_across_slots.lua"];

/** What a search has found, and in which sequence. */
interface Notice {
  readonly failed: boolean;
  readonly numRuns: number;
  readonly errorInstance: unknown;
}

/** Mistakes that few sequences show, and the number of the first one that does. Only time depends on it. */
const LATE_FILE = "tests/stores/mutants/late_sequences.json";
const LATE = new Map(Object.entries(JSON.parse(readFileSync(LATE_FILE, "utf8")) as Record<string, number>));

/** The fewest sequences for which it pays to remember the number. */
const LEAST_LATE = 8;

function titleOf({ file, name }: Mutant): string {
  return `${file}: ${name}`;
}

/** How often the lines of a file stand in a script: once if it is included, and once for each place where it is inlined. */
function placesOf(file: string, script: string, texts: ReadonlyMap<string, string>): number {
  const included = new Set([script]);
  let places = script === file ? 1 : 0;
  const resolve = (by: string): void => {
    for (const [, how, part] of (texts.get(by) ?? "").matchAll(/--- @(include|inline) (\S+)/g)) {
      const name = `${part}.lua`;
      if (how === "include" && included.has(name)) continue;
      if (how === "include") included.add(name);
      if (name === file) places++;
      resolve(name);
    }
  };
  resolve(script);
  return places;
}

/** Puts what was found into the file, where the environment says so. */
function rememberLate(found: ReadonlyMap<string, number>): void {
  if (process.env["REMEMBER_SEQUENCES"] === undefined) return;
  const titles = new Set(MUTANTS.map(titleOf));
  const kept = [...LATE].filter(([title]) => titles.has(title) && !found.has(title));
  const late = [...found].filter(([, numRuns]) => numRuns >= LEAST_LATE);
  const sorted = Object.fromEntries([...kept, ...late].toSorted(([a], [b]) => a < b ? -1 : 1));
  writeFileSync(LATE_FILE, `${JSON.stringify(sorted, null, 2)}\n`);
}

/**
 * Describes that each mistake in some Lua files is noticed.
 *
 * @param isAbout Whether a file is one of them.
 */
export function describeMutants(isAbout: (file: string) => boolean): void {
  const own = MUTANTS.filter(({ file }) => isAbout(file));
  describe("A seeded mistake in the Lua", () => {
    let connection: RedisConnection;
    let raw: RawRedis;
    before(async () => {
      connection = openNodeRedis({ url: redisUrl() });
      raw = await openRawRedis();
    });
    const found = new Map<string, number>();
    after(async () => {
      rememberLate(found);
      await connection.close();
      await raw.close();
    });

    /** What notices the mistake, if anything does: first the sequence that did it before, where that was a late one. */
    async function notice(mutant?: Mutant): Promise<Notice> {
      const late = mutant === undefined ? undefined : LATE.get(titleOf(mutant));
      if (late !== undefined) {
        const noticed = await search(mutant, { path: String(late - 1), numRuns: 1 });
        if (noticed.failed) return { ...noticed, numRuns: late };
      }
      return await search(mutant, { numRuns: mutant === undefined ? 150 : MOST_RUNS });
    }

    async function search(mutant: Mutant | undefined, from: { path?: string; numRuns: number }): Promise<Notice> {
      const testScript = mutant === undefined ? (call: ScriptCall) => call : seed(mutant);
      if (mutant?.law !== undefined) {
        const failure = await mutant.law({ connection, raw, testScript }).catch((error: unknown) => error);
        return { failed: failure !== undefined, numRuns: 1, errorInstance: failure };
      }
      const keysArb = BATCHED.get(mutant?.file ?? "");
      if (keysArb !== undefined) {
        return await fc.check(
          fc.asyncProperty(
            keysArb,
            startArb,
            batchesArb,
            (limiters, startUs, batches) =>
              assertBatchParity(limiters, startUs, batches, { connection, raw, testScript }),
          ),
          { seed: SEED, ...from, endOnFailure: true },
        );
      }
      if (PERMITS.includes(mutant?.file ?? "")) {
        return await fc.check(
          fc.asyncProperty(
            permitLimitersArb,
            startArb,
            fc.array(permitStepArb, { minLength: 5, maxLength: 40, size: "max" }),
            (limiters, startUs, steps) => assertParity(limiters, startUs, steps, { connection, raw, testScript }),
          ),
          { seed: SEED, ...from, endOnFailure: true },
        );
      }
      return await fc.check(
        fc.asyncProperty(
          limitersArb,
          fc.integer({ min: 1_700_000_000_000_000, max: 1_900_000_000_000_000 }),
          fc.array(stepArb, { minLength: 5, maxLength: 40, size: "max" }),
          (limiters, startUs, steps) => assertParity(limiters, startUs, steps, { connection, raw, testScript }),
        ),
        { seed: SEED, ...from, endOnFailure: true },
      );
    }

    it("is needed for anything to be noticed", { timeout: 120_000 }, async () => {
      const { failed, numRuns } = await notice();
      assert.ok(!failed, `something was noticed in sequence ${numRuns} although nothing is wrong`);
      const testScript = (call: ScriptCall) => call;
      for (const law of new Set(own.flatMap((mutant) => mutant.law ?? []))) {
        await law({ connection, raw, testScript });
      }
    });

    const noticeOf = ahead(own.map((mutant) => () => notice(mutant)));

    const files = readdirSync(LUA).filter((name) => !APART.includes(name)).toSorted();
    const texts = new Map(files.map((file) => [file, readFileSync(`${LUA}/${file}`, "utf8").replace(/^ +/gm, "")]));
    for (const [file, text] of [...texts].filter(([file]) => isAbout(file))) {
      const places = SCRIPTS.map(({ name }) => placesOf(file, `${name}.lua`, texts));
      const mutants = own.filter((mutant) => mutant.file === file);
      // Some files only say what is included.
      if (/^(?!--)./m.test(text)) it(`in ${file} is seeded somewhere`, () => assert.notEqual(mutants.length, 0));

      for (const mutant of mutants) {
        it(`in ${file} is caught: ${mutant.name}`, { timeout: 120_000 }, async () => {
          assert.equal(text.split(mutant.right).length - 1, 1, "it must be in the file once");
          // Another script may have the same text by chance.
          const times = occurrences(mutant).map((count, i) => places[i] === 0 ? 0 : count);
          assert.deepEqual(times, places, "it must be in a script once for each place where its file is");
          assert.notEqual(Math.max(...times), 0);
          const { failed, numRuns, errorInstance } = await noticeOf(own.indexOf(mutant));
          assert.ok(failed, `nothing was noticed in ${numRuns} sequences`);
          found.set(titleOf(mutant), numRuns);
          // A server that hangs would "catch" this mutant and all after it.
          assert.doesNotMatch(
            String(errorInstance),
            /BUSY|Cannot get an answer|Cannot reach/,
            "noticed for the wrong reason",
          );
        });
      }
    }
  });
}
