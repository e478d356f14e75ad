import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { StoreError } from "../../../../src/base/errors.ts";
import type { TakeReply } from "../../../../src/stores/store.ts";
import { executeAll } from "../../../_support/execute_all.ts";
import { assertForeignLeft, ForeignKeys, RULES } from "../../../_support/foreign_keys.ts";
import { Connections } from "../../_lab.ts";

describe("A value that the store did not write", () => {
  let connections: Connections;
  before(async () => void (connections = await Connections.open()));
  after(() => connections.close());

  for (const rules of Object.keys(RULES)) {
    it(`under ${rules} fails its requests alone, and is left as it is`, { timeout: 60_000 }, async () => {
      await assertForeignLeft(rules)(connections);
    });

    it(`under ${rules} is deleted by a reset`, async () => {
      const keys = new ForeignKeys(rules, connections);
      await keys.write();
      const targets = keys.values.map((value) => keys.asker.of(value));
      const resets = await executeAll(keys.store, targets.map((target) => ({ op: "reset", targets: [target] })));
      for (const reply of resets) assert.ok(!(reply instanceof StoreError), String(reply));
      const takes = await executeAll(keys.store, keys.values.map((value) => keys.asker.take(value)));
      for (const [i, reply] of takes.entries()) assert.equal((reply as TakeReply).status, "allowed", keys.values[i]);
    });
  }
});
