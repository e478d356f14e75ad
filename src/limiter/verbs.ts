/**
 * What limiters do at a store beside deciding. Loaded with the first store and not later, so that a call takes effect in
 * its turn, also where its caller does not wait for it.
 *
 * @module
 */

export { block, penalize, refund } from "./corrections.ts";
export { reserve } from "./result/reservation.ts";
export { failurePolicy, storelessDecision } from "./resilience/failure_policy.ts";
