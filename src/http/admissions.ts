/**
 * Which admission a request has got.
 *
 * @module
 */

import type { Admission } from "./admission.ts";

const admissions = new WeakMap<object, Admission>();

/** Keeps what a guard said about a request, for as long as there is the request. */
export function remember(request: object, admission: Admission): void {
  admissions.set(request, admission);
}

/**
 * What a guard said about a request; of several guards, the last one. `undefined` before any was asked.
 *
 * @param request The framework's request.
 */
export function admissionOf(request: object): Admission | undefined {
  return admissions.get(request);
}
