/**
 * A look at any store, also at one that cannot look at itself.
 *
 * @module
 */

import { withTimeout } from "../base/deadline.ts";
import { newStoreCheck, type StoreCheck } from "../stores/check.ts";
import type { Store } from "../stores/store.ts";

/** A store of this package answers before that. */
const TIMEOUT_MS = 1_800;

/**
 * Looks at a store. Never rejects, and takes two seconds at most.
 *
 * @param store The store.
 */
export async function lookAt(store: Store): Promise<StoreCheck> {
  try {
    return await withTimeout(
      store.check?.() ?? connectTo(store),
      TIMEOUT_MS,
      () => new Error(`The store does not answer within ${TIMEOUT_MS} ms`),
    );
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return newStoreCheck({
      engine: store.engine,
      problems: [{ kind: "unreachable", message, stopsDecisions: true }],
    });
  }
}

async function connectTo(store: Store): Promise<StoreCheck> {
  await store.connect();
  return newStoreCheck({
    engine: store.engine,
    advice: ["This store has no check(): no more is known than that it connects"],
  });
}
