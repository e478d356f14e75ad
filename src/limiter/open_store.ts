/**
 * An open store, as limiters use it. Loaded with the first store that is used.
 *
 * @module
 */

import type { KeyVerbs } from "./call.ts";
import { block, penalize, refund } from "./corrections.ts";
import { HERE } from "./here.ts";
import { reserve } from "./result/reservation.ts";
import { StoreSession } from "./store_session.ts";
import * as calls from "./verbs.ts";

/** All that limiters do at a store but calls on one key. */
type Verbs = typeof calls & {
  readonly block: typeof block;
  readonly penalize: typeof penalize;
  readonly refund: typeof refund;
  readonly reserve: typeof reserve;
};

const VERBS: Verbs = { ...calls, block, penalize, refund, reserve };

/** A store that is open, and what limiters do at it. */
export class OpenStore extends StoreSession {
  /** Calls on one key, as the store answers: at once, or not. */
  readonly onKey: KeyVerbs = this.answersAtOnce ? HERE : calls.ELSEWHERE;
  /** All other things that limiters do. */
  readonly verbs: Verbs = VERBS;
}
