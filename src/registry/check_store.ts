/**
 * A look at any store, also at one that cannot look at itself.
 *
 * @module
 */

import { systemClock } from "../base/clock.ts";
import { withTimeout } from "../base/deadline.ts";
import { StoreError } from "../base/errors.ts";
import type { StoreSession } from "../limiter/store_session.ts";
import type { Policy } from "../policy/policy.ts";
import { errorOf, newStoreCheck, problemOf, type StoreCheck, type StoreProblem } from "../stores/check.ts";
import type { Store } from "../stores/store.ts";

/** A store of this package answers before that. */
const TIMEOUT_MS = 1_800;

/**
 * Looks at a store. Never rejects, and takes two seconds at most.
 *
 * @param client The store, and what this process knows of it.
 * @param policies The rules that it has to decide by.
 */
export async function lookAt(client: StoreSession, policies: readonly Policy[]): Promise<StoreCheck> {
  const { store, health } = client;
  const startUs = systemClock.nowUs();
  health?.breaker.refresh();
  try {
    const found = await withTimeout(
      store.check?.(policies) ?? connectOnly(store),
      TIMEOUT_MS,
      () => new Error(`The store does not answer within ${TIMEOUT_MS} ms`),
    );
    const leftMs = TIMEOUT_MS - (systemClock.nowUs() - startUs) / 1_000;
    const more = [found.ok ? await messageProblem(client, leftMs) : undefined, health?.clockWatch.look(found)];
    const problems = more.filter((problem) => problem !== undefined);
    return problems.length === 0 ? found : newStoreCheck({ ...found, problems: [...found.problems, ...problems] });
  } catch (error) {
    return newStoreCheck({ engine: store.engine, problems: [problemOf(error)] });
  }
}

/**
 * Connects to a store, and makes sure that it can decide.
 *
 * @param client The store.
 * @param policies The rules that it has to decide by.
 * @throws {StoreError} If it cannot be reached, refuses, or cannot do what the rules need.
 */
export async function connectTo({ store, health }: StoreSession, policies: readonly Policy[]): Promise<void> {
  await store.connect();
  const found = await store.check?.(policies);
  const error = found === undefined ? undefined : errorOf(found.problems);
  if (error !== undefined) throw error;
  health?.answered();
}

/** What keeps messages about permits from this process, where calls have waited for some. */
async function messageProblem(client: StoreSession, timeoutMs: number): Promise<StoreProblem | undefined> {
  const late = () => new StoreError("STORE_TIMEOUT", "Cannot subscribe to messages about permits in time");
  try {
    await withTimeout(client.listener.listenAgain() ?? Promise.resolve(), timeoutMs, late);
    return undefined;
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    return problemOf(error);
  }
}

async function connectOnly(store: Store): Promise<StoreCheck> {
  await store.connect();
  return newStoreCheck({
    engine: store.engine,
    advice: ["This store has no check(): no more is known than that it connects"],
  });
}
