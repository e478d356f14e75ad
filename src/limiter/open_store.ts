/**
 * An open store, as limiters use it. Loaded with the first store that is used.
 *
 * @module
 */

import { ELSEWHERE } from "./elsewhere.ts";
import { HERE } from "./here.ts";
import { StoreSession } from "./store_session.ts";
import * as verbs from "./verbs.ts";

/** A store that is open, and what limiters do at it. */
export class OpenStore extends StoreSession {
  /** Calls on one key, as the store answers: at once, or not. */
  readonly onKey: typeof HERE = this.answersAtOnce ? HERE : ELSEWHERE;
  /** All other things that limiters do. */
  readonly verbs: typeof verbs = verbs;
}
