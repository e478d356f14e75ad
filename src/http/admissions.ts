/**
 * Which admissions a request has got, and from which guards.
 *
 * @module
 */

import { type Admission, GuardAdmission } from "./admission.ts";
import type { Guard } from "./guard.ts";

/** Where they are kept: on the request itself, which costs less than a map whose keys come and go. */
const ADMISSION = Symbol.for("@ratesync/core/admission");

/** What a guard said. */
interface Mark {
  readonly guard: Guard<never>;
  readonly admission: Admission;
  readonly earlier: Mark | undefined;
}

/** A request that may have been asked about. */
interface Marked {
  [ADMISSION]?: Mark | undefined;
}

/** Keeps what a guard said about a request, for as long as there is the request. */
export function remember<Raw>(request: object, guard: Guard<Raw>, admission: Admission): void {
  const marked = request as Marked;
  marked[ADMISSION] = { guard: guard as Guard<never>, admission, earlier: marked[ADMISSION] };
}

/**
 * What a guard says about a request that it has decided about before, because it is mounted twice: go on, without another
 * charge. The guard warns of it. `undefined` if the request is new to it.
 */
export function repeated<Raw>(request: object, guard: Guard<Raw>): Admission | undefined {
  for (let mark = (request as Marked)[ADMISSION]; mark !== undefined; mark = mark.earlier) {
    if (!guard.isSameAs(mark.guard)) continue;
    guard.tellRepeated();
    const { reason, decision } = mark.admission;
    return new GuardAdmission({ reason, decision });
  }
  return undefined;
}

/** Forgets the last guard, so that the same request object is decided anew when it comes again. */
export function forget(request: object): void {
  const marked = request as Marked;
  marked[ADMISSION] = marked[ADMISSION]?.earlier;
}

/**
 * What a guard said about a request; of several guards, the last one. `undefined` before any was asked.
 *
 * @param request The framework's request.
 */
export function admissionOf(request: object): Admission | undefined {
  return (request as Marked)[ADMISSION]?.admission;
}
