import assert from "node:assert/strict";
import { cpSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";

import { type Addition, PackageCopy } from "./_copy.ts";

const TOY = "tests/scripts/toy_engine";
const TABLE = "src/registry/engines.ts";

/** All lines outside of the engine's own folder. */
const ADDITIONS: readonly Addition[] = [
  {
    file: TABLE,
    behind: 'import type { Store } from "../stores/store.ts";\n',
    lines: 'import { toyEngine } from "../stores/toy/engine.ts";\n' +
      'import type { ToyStoreConfig } from "../stores/toy/options.ts";\n',
  },
  { file: TABLE, behind: "export type StoreConfig =\n  | MemoryStoreConfig\n", lines: "  | ToyStoreConfig\n" },
  { file: TABLE, behind: "  postgres: postgresEngine,\n", lines: "  toy: toyEngine,\n" },
];

describe("Adding an engine", () => {
  it("takes its folder, its options in StoreConfig, and a row in the table", { timeout: 240_000 }, async () => {
    using copy = new PackageCopy(TOY, ADDITIONS);
    for (const file of readdirSync(TOY)) {
      if (file !== "worker.ts") cpSync(join(TOY, file), join(copy.path, "src/stores/toy", file));
    }
    assert.equal(await copy.compileAndRun(), "decided\n");
  });
});
