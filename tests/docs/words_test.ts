import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { describe, it } from "node:test";

/** Words that hide who does what. Plain ones: a client, a caller, the process, the store. */
const VAGUE =
  /\b(?:nobody|somebody|anybody|everybody|whoever|who asks|is told|are told|what is asked|he|his|him|its turn|their turns?|seldom|patience)\b|\bmakes one\./gi;

/** Generated, and the file that holds these words to find them. */
const GENERATED = /\/scripts\.gen\.ts$|\/words_test\.ts$/;

async function filesUnder(folder: string, ...ends: string[]): Promise<string[]> {
  const names = (await readdir(folder, { recursive: true })).map((name) => `${folder}/${name}`.replaceAll("\\", "/"));
  return names.filter((name) => ends.some((end) => name.endsWith(end)) && !GENERATED.test(name)).sort();
}

/** What a page says, without its code. */
function proseOf(page: string): string {
  return page.replace(/^```.*?^```$/gms, "").replace(/<!--.*?-->/gs, "").replace(/`[^`\n]*`/g, "");
}

/** The comments of a source, and the titles of its tests. */
function commentsOf(source: string, isLua: boolean): string {
  if (isLua) return [...source.matchAll(/--(.*)$/gm)].map(([, text = ""]) => text).join("\n");
  const comments = [...source.matchAll(/\/\*\*?([^]*?)\*\/|(?:^|\s)\/\/ (.*)$/gm)].map(([, long, short]) =>
    long ?? short
  );
  const titles = [...source.matchAll(/\b(?:describe|it)\(\s*(["`])(.*?)\1/g)].map(([, , title]) => title);
  return [...comments, ...titles].join("\n");
}

function vagueWords(file: string, prose: string): string[] {
  return (prose.match(VAGUE) ?? []).map((word) => `${file}: ${word}`);
}

describe("the words of pages and comments", () => {
  it("name who acts in the pages", async () => {
    const pages = ["README.md", ...await filesUnder("docs", ".md")];
    assert.ok(pages.length > 30, `only ${pages.length} pages were read`);
    const found = await Promise.all(pages.map(async (page) => vagueWords(page, proseOf(await readFile(page, "utf8")))));
    assert.deepEqual(found.flat(), []);
  });

  it("name who acts in comments and in titles of tests", async () => {
    const folders = ["src", "tests", "scripts", "bench", "examples"];
    const files = (await Promise.all(folders.map((folder) => filesUnder(folder, ".ts", ".lua")))).flat();
    const sources = files.filter((file) => !file.includes("node_modules"));
    assert.ok(sources.length > 400, `only ${sources.length} files were read`);
    const found = await Promise.all(
      sources.map(async (file) => vagueWords(file, commentsOf(await readFile(file, "utf8"), file.endsWith(".lua")))),
    );
    assert.deepEqual(found.flat(), []);
  });

  it("are found where they stand", () => {
    assert.deepEqual(vagueWords("a", commentsOf('/** Nobody. */ f("his"); // Whoever calls\nit("is told")', false)), [
      "a: Nobody",
      "a: Whoever",
      "a: is told",
    ]);
    assert.deepEqual(vagueWords("b", commentsOf("local a = 1 -- seldom\n", true)), ["b: seldom"]);
    assert.deepEqual(vagueWords("c", proseOf("Use `his`.\n```ts\nhis\n```\nNobody is told.")), [
      "c: Nobody",
      "c: is told",
    ]);
  });
});
