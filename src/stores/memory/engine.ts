/**
 * Memory stores, as configuration knows them.
 *
 * @module
 */

import { checkOptions } from "../../base/option_table.ts";
import type { Engine } from "../engine.ts";
import { MEMORY_OPTIONS, type MemoryStoreConfig } from "./options.ts";

/** The row of memory stores. */
export const memoryEngine: Engine<MemoryStoreConfig> = {
  options: () => MEMORY_OPTIONS,
  describe(config) {
    checkOptions(config, MEMORY_OPTIONS);
    return undefined;
  },
  async open({ maxKeys, checkStates }, { clock }) {
    const options = { clock, ...(maxKeys === undefined ? {} : { maxKeys }) };
    if (!checkStates) return new (await import("./mod.ts")).MemoryStore(options);
    return new (await import("./checked_memory_store.ts")).CheckedMemoryStore(options);
  },
};
