/**
 * The admissions that a request has got, from one guard or several.
 *
 * @module
 */

import { type Admission, GuardAdmission } from "./admission.ts";
import type { Guard } from "./guard.ts";

/** Where they are kept: on the request itself, which costs less than a map whose keys come and go. */
const ADMISSION = Symbol.for("@ratesync/core/admission");

/** A request that guards may have decided about. */
interface Guarded {
  [ADMISSION]?: GuardAdmission | undefined;
}

/** Keeps what a guard has decided about a request, for as long as the request exists. */
export function remember<Raw>(request: object, guard: Guard<Raw>, admission: Admission): void {
  const kept = admission as GuardAdmission;
  kept.guard = guard;
  kept.earlier = (request as Guarded)[ADMISSION];
  (request as Guarded)[ADMISSION] = kept;
}

/**
 * What a guard says about a request that it has decided about before, because it is mounted twice: the same, and the
 * request is not charged again. The guard warns of it. `undefined` if the request is new to the guard.
 */
export function repeated<Raw>(request: object, guard: Guard<Raw>): Admission | undefined {
  for (let admission = (request as Guarded)[ADMISSION]; admission !== undefined; admission = admission.earlier) {
    if (admission.guard === undefined || !guard.isSameAs(admission.guard)) continue;
    guard.reportRepeated();
    const { reason, decision, allowed } = admission;
    const facts = { refusal: reason && { reason }, decision, permit: undefined };
    return allowed ? new GuardAdmission(facts) : new GuardAdmission(facts, [], undefined, admission);
  }
  return undefined;
}

/** Forgets the last guard, so that the same request object is decided anew when it comes again. */
export function forget(request: object): void {
  (request as Guarded)[ADMISSION] = (request as Guarded)[ADMISSION]?.earlier;
}

/**
 * What a guard has decided about a request; of several guards, the last one. `undefined` before any has decided.
 *
 * @param request The framework's request.
 */
export function admissionOf(request: object): Admission | undefined {
  return (request as Guarded)[ADMISSION];
}
