/**
 * An open store, as limiters use it. Loaded with the first store that is used.
 *
 * @module
 */

import { StoreSession } from "./store_session.ts";
import * as verbs from "./verbs.ts";

/** A store that is open, and what limiters do at it. */
export class OpenStore extends StoreSession {
  /** What limiters do at it. */
  readonly verbs: typeof verbs = verbs;
}
