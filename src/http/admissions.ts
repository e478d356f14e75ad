/**
 * Which admission a request has got.
 *
 * @module
 */

import type { Admission } from "./admission.ts";

/** Where it is kept: on the request itself, which costs less than a map whose keys come and go. */
const ADMISSION = Symbol.for("@ratesync/core/admission");

/** A request that may have been asked about. */
interface Marked {
  [ADMISSION]?: Admission;
}

/** Keeps what a guard said about a request, for as long as there is the request. */
export function remember(request: object, admission: Admission): void {
  (request as Marked)[ADMISSION] = admission;
}

/**
 * What a guard said about a request; of several guards, the last one. `undefined` before any was asked.
 *
 * @param request The framework's request.
 */
export function admissionOf(request: object): Admission | undefined {
  return (request as Marked)[ADMISSION];
}
