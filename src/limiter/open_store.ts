/**
 * An open store, as limiters use it. Loaded with the first store that is used.
 *
 * @module
 */

import * as elsewhere from "./elsewhere.ts";
import * as here from "./here.ts";
import { StoreSession } from "./store_session.ts";
import * as verbs from "./verbs.ts";

/** A store that is open, and what limiters do at it. */
export class OpenStore extends StoreSession {
  /** Calls on one key, as the store answers: at once, or not. */
  readonly onKey: Pick<typeof here, "acquire" | "tryAcquire" | "tryAcquireSync"> = this.answersAtOnce
    ? here
    : elsewhere;
  /** All other things that limiters do. */
  readonly verbs: typeof verbs = verbs;
}
