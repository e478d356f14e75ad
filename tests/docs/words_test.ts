import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { describe, it } from "node:test";

/** Words that hide who does what. Plain ones: a client, a caller, the process, the store. */
const VAGUE =
  /\b(?:nobody|somebody|anybody|everybody|whoever|who asks|is told|are told|what is asked|he|his|him|its turn|their turns?|seldom|patience)\b/gi;

/** Pages that are still to be rewritten, and those that are made of doc comments. */
const NOT_YET = /^reference\//;

function proseOf(page: string): string {
  return page.replace(/^```.*?^```$/gms, "").replace(/<!--.*?-->/gs, "").replace(/`[^`\n]*`/g, "");
}

describe("the words of the guides", () => {
  it("name who acts", async () => {
    const names = (await readdir("docs", { recursive: true })).map((name) => name.replaceAll("\\", "/"));
    const pages = names.filter((name) => name.endsWith(".md") && !NOT_YET.test(name));
    assert.ok(pages.length >= 7, `only ${pages.length} pages were read`);
    const found: string[] = [];
    for (const page of pages.sort()) {
      const words = proseOf(await readFile(`docs/${page}`, "utf8")).match(VAGUE) ?? [];
      found.push(...words.map((word) => `docs/${page}: ${word}`));
    }
    assert.deepEqual(found, []);
  });
});
