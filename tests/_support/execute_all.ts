import type { StoreError } from "../../src/base/errors.ts";
import type { DoneReply, Store, StoreRequest, TakeReply } from "../../src/stores/store.ts";

/** Asks in one turn, so that a store which gathers sends one batch. A failure stands in place of its reply. */
export async function executeAll(
  store: Store,
  requests: readonly StoreRequest[],
): Promise<(TakeReply | DoneReply | StoreError)[]> {
  const replies = await Promise.allSettled(requests.map((request) => store.execute(request)));
  return replies.map((reply) => reply.status === "fulfilled" ? reply.value : reply.reason as StoreError);
}
