import assert from "node:assert/strict";
import { access, readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path/posix";
import { describe, it } from "node:test";

import { plotProblems } from "../../scripts/plots/plots.ts";

async function pages(): Promise<[path: string, text: string][]> {
  const names = await readdir("docs", { recursive: true });
  const guides = names.filter((name) => name.endsWith(".md")).sort().map((name) => `docs/${name}`);
  const paths = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", ...guides];
  return await Promise.all(paths.map(async (path) => [path, await readFile(path, "utf8")] as [string, string]));
}

function withoutCode(text: string): string {
  return text.replace(/^```.*?^```$/gms, "").replace(/`[^`\n]*`/g, "");
}

/** The anchors of a page's headings, as GitHub makes them. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
    heading.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-")
  );
}

async function leadsSomewhere(page: string, target: string): Promise<boolean> {
  const [file = "", anchor] = target.split("#");
  const path = file === "" ? page : join(dirname(page), file);
  const found = await access(path).then(() => true, () => false);
  return found && (anchor === undefined || anchorsOf(await readFile(path, "utf8")).includes(anchor));
}

describe("the guides", () => {
  it("link only to files and headings that exist", async () => {
    const broken: string[] = [];
    let links = 0;
    for (const [path, text] of await pages()) {
      for (const [, target = ""] of withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^https?:/.test(target)) continue;
        links++;
        if (!await leadsSomewhere(path, target)) broken.push(`${path} links to ${target}, which is not there`);
      }
    }
    assert.deepEqual(broken, []);
    assert.ok(links > 20, `only ${links} links were found`);
  });

  it("name every example, and the examples every way to run them", async () => {
    const text = (await pages()).map(([, page]) => page).join("\n");
    for (const name of await readdir("examples", { recursive: true })) {
      if (!name.endsWith(".ts")) continue;
      assert.ok(text.includes(`examples/${name}`), `no guide links to examples/${name}`);
      const source = await readFile(`examples/${name}`, "utf8");
      assert.match(
        source,
        /^\/\*\*\n.*? \* {5}\S.*? \* @module\n \*\/$/ms,
        `examples/${name} does not say how to run it`,
      );
    }
  });

  it("show plots of what the code does today", async () => {
    assert.deepEqual(await plotProblems(), []);
  });
});
