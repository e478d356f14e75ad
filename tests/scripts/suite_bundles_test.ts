import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { pathToFileURL } from "node:url";

import { TemporaryFolder } from "../../scripts/_temporary.ts";
import { bundle } from "../../scripts/suite/bundles.ts";

describe("bundle()", () => {
  it("keeps the URL of the compiled file, names, and texts that mention the URL", async () => {
    using folder = new TemporaryFolder("bundles");
    const [file, beside] = ["one.js", "two.js"].map((name) => join(folder.path, name)) as [string, string];
    writeFileSync(beside, `export class Same {}\nexport const place = import.meta.url;\n`);
    writeFileSync(
      file,
      [
        `import { place, Same as Other } from "./two.js";`,
        `class Same {}`,
        `export const found = [import.meta.url, place, "import.meta.url", Same.name, Other.name];`,
      ].join("\n"),
    );
    await bundle({ inputs: { one: file }, folder: join(folder.path, "out") });
    const { found } = await import(pathToFileURL(join(folder.path, "out", "one.js")).href) as { found: string[] };
    const urls = [file, beside].map((path) => pathToFileURL(path).href);
    assert.deepEqual(found, [...urls, "import.meta.url", "Same", "Same"]);
  });

  it("holds the package, which a test that names it would load a second time", async () => {
    using folder = new TemporaryFolder("bundles");
    const compiled = "dist/tests/limiter/try_acquire_sync_test.js";
    assert.match(readFileSync(compiled, "utf8"), /from "@ratesync\/core"/);
    await bundle({ inputs: { one: compiled }, folder: folder.path });
    const imports = readFileSync(join(folder.path, "one.js"), "utf8").match(/from "[^"]+"/g) ?? [];
    assert.deepEqual(imports.filter((from) => /ratesync|redis/.test(from)), []);
  });
});
