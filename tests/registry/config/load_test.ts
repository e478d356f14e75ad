import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { loadConfigFile, parseConfig } from "../../../src/registry/config/load.ts";
import { assertRefused, envOf, parse, refusal } from "./_support.ts";

const MEMORY = { engine: "memory" };

describe("parseConfig()", () => {
  it("says where TOML is broken, and repeats nothing of it", async () => {
    const toml = '[stores.a]\npassword = "hunter2\nurl = "redis://:hunter2@h"';
    const error = await refusal(parse(toml, {}, { file: "a.toml" }));
    assert.equal(error.file, "a.toml");
    assert.equal(error.path, "line 2, column 20");
    assert.equal(error.expected, "TOML");
    assert.equal(error.cause, undefined);
    assert.match(error.message, /^Cannot use line 2, column 20 \(in a\.toml\): expected TOML, received [a-z -]+$/);
    await assertRefused(parse("a = "), "line 1, column 5", "TOML", "invalid value");
    await assertRefused(
      parse("[a]\nb = 1\nb = 2"),
      "line 3, column 1",
      "TOML",
      "trying to redefine an already defined table or value",
    );
  });

  it("refuses an empty document", async () => {
    const expected = "sections such as [stores.<id>] and [limiters.<id>]";
    for (const toml of ["", "\n\n", "# nothing", "\uFEFF"]) {
      await assertRefused(parse(toml), "configuration", expected, "an empty document");
    }
    assert.deepEqual({ ...(await parse("[limiters]")).limiters }, {});
  });

  it("refuses unknown sections with the nearest known one", async () => {
    const known = "one of the keys stores, limiters, http, fastapi";
    await assertRefused(parse("[store.a]"), "store", known, 'an unknown key (did you mean "stores"?)');
    await assertRefused(parse("[limiter.a]"), "limiter", known, 'an unknown key (did you mean "limiters"?)');
    await assertRefused(parse("[nats]\nurl = 'x'"), "nats", known, "an unknown key");
    await assertRefused(parse("[__proto__]\na = 1"), "__proto__", known, "an unknown key");
  });

  it("skips a byte order mark", async () => {
    assert.deepEqual({ ...(await parse('\uFEFF[stores.a]\nengine = "memory"')).stores }, { a: MEMORY });
  });

  it("takes another parser", async () => {
    const text = '{"stores": {"a": {"engine": "${E:-memory}"}}, "limiters": {"b": {"limit": 1, "window": "1m"}}}';
    const { stores, limiters } = await parse(text, {}, { parse: JSON.parse });
    assert.deepEqual({ ...stores }, { a: MEMORY });
    assert.deepEqual({ ...limiters }, { b: { store: "a", limit: 1, windowMs: 60_000 } });
  });

  it("treats what another parser leaves undefined as absent, and null as a mistake", async () => {
    const document = (max_keys: unknown) => ({ stores: { a: { engine: "memory", max_keys } } });
    const { stores } = await parse("", {}, { parse: () => document(undefined) });
    assert.deepEqual({ ...stores }, { a: MEMORY });
    await assertRefused(
      parse("", {}, { parse: () => document(null) }),
      "stores.a.max_keys",
      "a whole number from 1",
      "null",
    );
  });

  it("repeats only the place of an error of another parser", async () => {
    const says = (error: unknown) =>
      refusal(parse("", {}, {
        parse: () => {
          throw error;
        },
      }));
    const places: [unknown, string][] = [
      [new SyntaxError("Unexpected token 'h', \"hunter2\" is not valid JSON"), "configuration"],
      [new SyntaxError("Expected ',' in JSON at position 23 (line 1 column 24) hunter2"), "line 1, column 24"],
      [new Error("bad indentation of a mapping entry (2:3)\n hunter2"), "line 2, column 3"],
      [new Error("Nested mappings are not allowed at line 4, column 6:\nhunter2"), "line 4, column 6"],
      [Object.assign(new Error("hunter2"), { line: 7, column: 8 }), "configuration"],
      ["hunter2", "configuration"],
      [undefined, "configuration"],
    ];
    for (const [thrown, path] of places) {
      const error = await says(thrown);
      assert.equal(error.path, path);
      assert.equal(error.expected, "text that the given parser takes");
      assert.equal(error.received, "something else");
      assert.equal(error.cause, undefined);
    }
  });

  it("reads the environment of the process if none is given", async () => {
    process.env.RATESYNC_TEST_ENGINE = "memory";
    try {
      const { stores } = await parseConfig('[stores.a]\nengine = "${RATESYNC_TEST_ENGINE}"');
      assert.deepEqual({ ...stores }, { a: MEMORY });
    } finally {
      delete process.env.RATESYNC_TEST_ENGINE;
    }
    const error = await refusal(parseConfig('a = "${RATESYNC_TEST_ENGINE}"'));
    assert.match(error.expected, /variable RATESYNC_TEST_ENGINE to be set/);
  });
});

describe("loadConfigFile()", () => {
  let directory: string;
  const write = async (name: string, content: string | Uint8Array): Promise<string> => {
    const path = join(directory, name);
    await writeFile(path, content);
    return path;
  };

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "ratesync-"));
  });
  after(async () => {
    await rm(directory, { recursive: true });
  });

  it("reads a file", async () => {
    const path = await write("good.toml", '[stores.a]\nengine = "${E}"\n');
    const { stores } = await loadConfigFile(path, { env: envOf({ E: "memory" }) });
    assert.deepEqual({ ...stores }, { a: MEMORY });
  });

  it("names the file in every error", async () => {
    const path = await write("bad.toml", "[limiters.api]\nrate_per_second = true\n");
    const error = await refusal(loadConfigFile(path));
    assert.equal(error.file, path);
    assert.equal(
      error.message,
      `Cannot use limiters.api.rate_per_second (in ${path}): expected a number, received true`,
    );
  });

  it("refuses a file that is not text", async () => {
    const expected = "a text file in UTF-8";
    const missing = join(directory, "missing.toml");
    const error = await refusal(loadConfigFile(missing));
    assert.equal(error.file, missing);
    await assertRefused(loadConfigFile(missing), "configuration", expected, "no such file");
    await assertRefused(loadConfigFile(directory), "configuration", expected, "a directory");
    const latin = await write("latin.toml", new Uint8Array([0x61, 0xe9, 0x62]));
    await assertRefused(loadConfigFile(latin), "configuration", expected, "bytes that are no UTF-8");
    await assertRefused(
      loadConfigFile(await write("empty.toml", "")),
      "configuration",
      /^sections such as/,
      "an empty document",
    );
  });
});
