import { describe, it } from "node:test";

import { LogStore } from "../../../src/stores/log/log_store.ts";
import { storeConformance } from "../../../src/testing/mod.ts";
import { MemoryLog, MemoryLogStream } from "./_memory_log.ts";

describe("storeConformance() on a stream", () => {
  const logs = new WeakMap<object, MemoryLog>();
  const cases = storeConformance({
    open({ clock }) {
      const log = logs.get(clock) ?? new MemoryLog(() => clock.nowUs());
      return new LogStore(new MemoryLogStream(log));
    },
  });
  for (const { name, run } of cases) it(name, run);
});
