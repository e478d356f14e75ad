/**
 * Laws of the scripts that watch a fleet: they decide nothing, so parity cannot see them.
 *
 * @module
 */

import assert from "node:assert/strict";

import { MAX_POST, MAX_POSTS, WATCHED_MS } from "../../src/stores/board.ts";
import { RedisBoard } from "../../src/stores/redis/board.ts";
import type { RedisConnection } from "../../src/stores/redis/connections/connection.ts";
import { sampleKeys } from "../../src/stores/redis/inspect_keys.ts";
import { KeyNames } from "../../src/stores/redis/keys.ts";
import type { ParityServices } from "./parity.ts";
import { freshPrefix } from "./redis.ts";

/** How calls reach Redis, with the mistake that is tried. */
function runOf({ connection, testScript }: ParityServices): RedisConnection["run"] {
  return (script, keys, args) => {
    const call = testScript?.({ script, keys, args }) ?? { script, keys, args };
    return connection.run(call.script, call.keys, call.args);
  };
}

/** Posts and reads reports: nothing is kept without a watcher, each process has one report, and all of it ends. */
export async function assertBoard(services: ParityServices): Promise<void> {
  const { raw } = services;
  const common = `${freshPrefix()}:`;
  const board = new RedisBoard({ common, isRest: false, run: runOf(services), nowUs: () => 0 });
  const lifeOf = async (name: string) => Number(await raw.send("PTTL", `{${common}%fleet}:${name}`));
  const assertLives = async (name: string, ms: number) => {
    const life = await lifeOf(name);
    assert.ok(life > ms - 2_000 && life <= ms, `${name} lives for ${life} ms, not ${ms}`);
  };

  assert.equal(await board.post("one", "first"), false);
  assert.deepEqual(await raw.keys(`{${common}*`), [], "what was posted without a watcher is not kept");

  assert.deepEqual(await board.read(), []);
  await assertLives("watch", WATCHED_MS);
  assert.equal(await board.post("one", "first"), true);
  assert.equal(await board.post("two", "x".repeat(MAX_POST + 1)), true);
  await assertLives("index", 3 * WATCHED_MS);
  await assertLives("of:one", WATCHED_MS);
  for (let i = 0; i < 6; i++) await board.post("one", "last");
  const posts = [{ id: "one", text: "last" }, { id: "two", text: undefined }];
  assert.deepEqual(await board.read(), posts);
  const indexKey = `{${common}%fleet}:index`;
  assert.equal(await raw.send("GET", indexKey), "\none\ntwo\n", "a process is listed once");

  await raw.send("PEXPIRE", indexKey, String(WATCHED_MS));
  await board.read();
  await assertLives("index", 3 * WATCHED_MS);
  await raw.send("DEL", `{${common}%fleet}:of:one`);
  for (let i = 0; i < 4; i++) assert.deepEqual(await board.read(), posts.slice(1));
  assert.equal(await raw.send("GET", indexKey), "\ntwo\n", "a process that is gone is not listed");

  await raw.send("SET", indexKey, "\n".repeat(41 * MAX_POSTS));
  assert.deepEqual(await board.read(), []);
  assert.equal(await raw.send("GET", indexKey), "\n", "an index that is too long is begun anew");
}

/** Looks at keys of each kind: those without an end, of earlier versions and of other programs are named. */
export async function assertSample(services: ParityServices): Promise<void> {
  const { raw } = services;
  const prefix = freshPrefix();
  const values: Record<string, string> = {
    "good:": "1767225600000000",
    "blocked:": "b12345678S",
    "only:": "b12345678",
    "old:": "bxxxxxxxxc1",
    "older:": "c1",
    "other:": "!",
  };
  for (const [name, value] of Object.entries(values)) await raw.send("SET", `${prefix}:${name}`, value, "PX", "60000");
  await raw.send("SET", `${prefix}:endless:`, "1");
  await raw.send("LPUSH", `${prefix}:list:`, "1");
  await raw.send("PEXPIRE", `${prefix}:list:`, "60000");
  const server = { url: undefined, key: `${prefix}:`, run: runOf(services) };
  const { count, endless, earlier, foreign } = await sampleKeys([server], new KeyNames(prefix), []);
  const named = (names: readonly string[]) => names.map((name) => name.slice(prefix.length + 1)).sort();
  assert.equal(count, 8);
  assert.deepEqual(named(endless), ["endless:"]);
  assert.deepEqual(named(earlier), ["old:", "older:"]);
  assert.deepEqual(named(foreign), ["list:", "other:"]);
}
