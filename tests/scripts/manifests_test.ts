import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { manifestProblems, type Manifests, readManifests } from "../../scripts/package/manifests.ts";

describe("manifestProblems()", () => {
  it("finds none in this repository", async () => {
    assert.deepEqual(manifestProblems(await readManifests()), []);
  });

  const cases: [string, (manifests: Manifests) => Manifests, RegExp][] = [
    [
      "another version",
      ({ npm, ...rest }) => ({ ...rest, npm: { ...npm, version: "9.9.9" } }),
      /^package.json: version/,
    ],
    ["another name", ({ jsr, ...rest }) => ({ ...rest, jsr: { ...jsr, name: "@a/b" } }), /^jsr.json: name/],
    [
      "an entry that npm lacks",
      ({ npm, ...rest }) => ({ ...rest, npm: { ...npm, exports: {} } }),
      /^package.json: exports/,
    ],
    [
      "a main entry that is not there",
      (all) => ({ ...all, npm: { ...all.npm, main: "./a.js" } }),
      /^package.json: main/,
    ],
    ["another program", (all) => ({ ...all, npm: { ...all.npm, bin: {} } }), /^package.json: bin/],
    ["other types", (all) => ({ ...all, npm: { ...all.npm, types: "./a.d.ts" } }), /^package.json: types/],
    [
      "an entry without types for older TypeScript",
      (all) => ({ ...all, npm: { ...all.npm, typesVersions: {} } }),
      /^package.json: typesVersions/,
    ],
    ["another dependency", ({ deno, ...rest }) => ({ ...rest, deno: { ...deno, imports: {} } }), /^deno.json: imports/],
    ["another release", (manifests) => ({ ...manifests, changelog: "## [0.0.1]\n" }), /^CHANGELOG.md/],
  ];
  for (const [what, change, problem] of cases) {
    it(`finds ${what}`, async () => {
      const problems = manifestProblems(change(await readManifests()));
      assert.equal(problems.length, 1);
      assert.match(problems[0] ?? "", problem);
    });
  }
});
