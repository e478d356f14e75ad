import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { tomlName } from "../../scripts/docs/reference/fields.ts";
import { readEntries } from "../../scripts/docs/reference/reference.ts";
import { readManifests } from "../../scripts/package/manifests.ts";
import { parse } from "../registry/config/_support.ts";

const symbols = (await readEntries((await readManifests()).deno)).flatMap((entry) => entry.symbols);

/** The keys that the reference names for the options of some types. */
function named(...owners: readonly string[]): string[] {
  return owners.flatMap((owner) => {
    const members = symbols.find(({ name }) => name === owner)?.declarations[0]?.def.properties ?? [];
    return members.map(({ name }) => tomlName(owner, name)).filter((key) => key !== "");
  }).sort();
}

/** The keys that a section takes, by the error about one that it does not. */
async function taken(section: string): Promise<string[]> {
  const error = await parse(`${section}\nunheard_of = 1\n`).then(() => undefined, (error: Error) => error);
  const [, keys = ""] = /expected one of the keys (.*), received/.exec(error?.message ?? "") ?? [];
  return keys.split(", ").sort();
}

describe("the TOML names of the reference", () => {
  it("are the keys that a limiter takes", async () => {
    // `window` is another name of `window_seconds`.
    const keys = (await taken("[limiters.api]")).filter((key) => key !== "window");
    assert.deepEqual(named("LimiterOptions", "LimitOptions", "FailureOptions"), keys);
  });

  it("are the keys that a store in Redis takes", async () => {
    const keys = await taken('[stores.shared]\nengine = "redis"');
    assert.deepEqual(named("RedisStoreConfig", "RedisStoreOptions", "FailureOptions"), keys);
  });

  it("are the keys that a store in memory takes", async () => {
    assert.deepEqual(named("MemoryStoreConfig"), await taken('[stores.here]\nengine = "memory"'));
  });
});
