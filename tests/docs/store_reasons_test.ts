import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { describe, it } from "node:test";

/** The pages with a table of reasons, and the folders whose stores give them. */
const PAGES: Readonly<Record<string, readonly string[]>> = {
  "docs/nats.md": ["src/stores/nats", "src/stores/log"],
  "docs/postgres.md": ["src/stores/postgres"],
};

/** Every reason of a `StoreError`. */
async function reasons(): Promise<string[]> {
  const source = await readFile("src/base/store_error_reasons.ts", "utf8");
  const [, union = ""] = /export type StoreErrorReason =([^;]+);/.exec(source) ?? [];
  return [...union.matchAll(/"(\w+)"/g)].map(([, reason = ""]) => reason);
}

async function sourcesIn(folder: string): Promise<string> {
  const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith(".ts"));
  return (await Promise.all(names.map((name) => readFile(`${folder}/${name}`, "utf8")))).join("\n");
}

describe("the table of errors", () => {
  for (const [page, folders] of Object.entries(PAGES)) {
    it(`of ${page} has each reason that the sources of the store name, once, and no other`, async () => {
      const sources = (await Promise.all(folders.map(sourcesIn))).join("\n");
      const given = (await reasons()).filter((reason) => sources.includes(`"${reason}"`));
      const rows = (await readFile(page, "utf8")).split("## Errors\n")[1]?.split("\n") ?? [];
      const listed = rows.flatMap((row) => /^\| (?:\*\*)?`(\w+)`/.exec(row)?.[1] ?? []);
      assert.deepEqual(listed.toSorted(), given.toSorted());
    });
  }
});
