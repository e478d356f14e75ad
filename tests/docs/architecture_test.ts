import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { describe, it } from "node:test";

/** More parts than that, and a reader does not keep the way of a call in mind. */
const MOST_PARTS = 24;

const page = await readFile("ARCHITECTURE.md", "utf8");

async function filesOf(...folders: string[]): Promise<string[]> {
  const found = await Promise.all(folders.map(async (folder) => {
    const names = await readdir(folder, { recursive: true });
    return names.map((name) => `${folder}/${name}`.replaceAll("\\", "/"));
  }));
  return found.flat();
}

describe("ARCHITECTURE.md", () => {
  const [, walk = ""] = /<!-- walk -->(.*?)<!-- end -->/s.exec(page) ?? [];
  const parts = [...walk.matchAll(/^\| `([^`]+)` +\| `([^`]+)`/gm)].map(([, part = "", file = ""]) => ({ part, file }));

  it(`walks a call through at most ${MOST_PARTS} parts`, () => {
    assert.ok(parts.length > 10 && parts.length <= MOST_PARTS, `${parts.length} parts`);
  });

  for (const { part, file } of parts) {
    it(`finds ${part} in src/${file}`, async () => {
      const source = await readFile(`src/${file}`, "utf8");
      if (!part.endsWith(".lua")) assert.match(source, new RegExp(`export (?:class|interface|function) ${part}\\b`));
    });
  }

  it("names only files that exist", async () => {
    const files = await filesOf("src", "tests", "scripts", "docs", "bench");
    const named = [...page.matchAll(/`([\w./-]+\.(?:ts|lua))`/g)].map(([, name = ""]) => name);
    assert.ok(named.length > 60, `only ${named.length} files were found`);
    assert.deepEqual(
      named.filter((name) => !name.startsWith("dist/") && !files.some((file) => `/${file}`.endsWith(`/${name}`))),
      [],
    );
  });
});
