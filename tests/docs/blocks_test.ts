import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { blocksOf } from "../../scripts/docs/blocks.ts";

const fence = (language: string, code = "x();\n") => `\`\`\`${language}\n${code}\`\`\`\n`;

describe("blocksOf()", () => {
  it("finds the code blocks that the gate runs, with their lines", () => {
    const page = `# A page\n\n${fence("ts")}\ntext\n\n${fence("toml", "a = 1\n")}${fence("ts ignore")}${
      fence("console")
    }${fence("sql")}`;
    const found = blocksOf("page.md", page).map(({ line, language, code }) => [line, language, code]);
    assert.deepEqual(found, [[3, "ts", "x();\n"], [9, "toml", "a = 1\n"], [12, "ts", "x();\n"]]);
  });

  it("reads what the comments above a block say, and nothing of another block", () => {
    const page = `<!-- block before: const x = () => 1; -->\n<!-- block after: y(); -->\n\n${fence("ts")}\n` +
      `<!-- block skip: It needs a container. -->\n\n${fence("sh")}\n${fence("js")}`;
    const found = blocksOf("page.md", page).map(({ line, skip, before, after }) => [line, skip, before, after]);
    assert.deepEqual(found, [
      [4, undefined, "const x = () => 1;", "y();"],
      [10, "It needs a container.", "", ""],
      [14, undefined, "", ""],
    ]);
  });

  const unreadable: readonly [name: string, page: string, message: RegExp][] = [
    [
      "a word that it does not know",
      `<!-- block skp: a reason -->\n\n${fence("ts")}`,
      /page\.md:3: "block skp" is none of skip,/,
    ],
    ["a comment without a block", `<!-- block skip: a reason -->\n\ntext\n\n${fence("ts")}`, /not above a code block/],
    ["a block that is indented", `- item\n  ${fence("ts").replaceAll("\n", "\n  ")}`, /one is indented/],
  ];
  for (const [name, page, message] of unreadable) {
    it(`refuses ${name}`, () => assert.throws(() => blocksOf("page.md", page), message));
  }
});
