import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { compilePolicy } from "../../../src/policy/compile_policy.ts";
import { parse } from "./_support.ts";

describe("docs/configuration.md", () => {
  it("shows only what works, with and without its variables", async () => {
    const text = await readFile("docs/configuration.md", "utf8");
    const examples = [...text.matchAll(/^```toml\n(.*?)^```$/gms)].map((match) => match[1] ?? "");
    assert.equal(examples.length, 3);
    for (const toml of examples) {
      for (const variables of [{}, { REDIS_URL: "redis://h", API_RATE: "5", PLAN: "pro" }]) {
        const { limiters } = await parse(toml, variables, {
          checkLimiter: (_id, options) => void compilePolicy(options),
        });
        assert.ok(Object.keys(limiters).length > 0);
      }
    }
  });
});
