/**
 * Guards Express 5 and 4, and whatever else takes `(request, response, next)`.
 *
 * @example An application
 * ```ts ignore
 * import express from "express";
 * import { admissionOf, rateLimit } from "@ratesync/core/http/express";
 *
 * const app = express();
 * app.use(rateLimit({ limiter: "api" }));
 * app.get("/", (request, response) => void response.json({ left: admissionOf(request)?.decision?.remaining }));
 * app.listen(3000);
 * ```
 *
 * @module
 */

import { type Guard, guardOf } from "../guard.ts";
import { type Next, nodeMiddleware, type NodeRequest, type NodeResponse } from "../node_http.ts";
import type { GuardOptions } from "../options.ts";

export { admissionOf } from "../admissions.ts";
export type { Next, NodeRequest, NodeResponse } from "../node_http.ts";

/** What is used of a request of Express. */
export interface ExpressRequest extends NodeRequest {
  /** The path with its query as the client sent it, wherever the middleware is mounted. */
  readonly originalUrl?: string | undefined;
}

/**
 * Middleware that answers denied requests and passes on allowed ones. A permit is held until the answer has been sent or
 * the client has left. Where the guard cannot be used, because its limiter is not there, `next` is called with the error.
 *
 * The client's address is found by the guard, from the socket and `trustedProxies`; the setting `trust proxy` of Express
 * plays no part in it.
 *
 * @param options How it guards, or a guard.
 */
export function rateLimit<Req extends ExpressRequest>(
  options: GuardOptions<Req> | Guard<Req>,
): (request: Req, response: NodeResponse, next: Next) => void {
  return nodeMiddleware(guardOf(options), ({ originalUrl, url }) => originalUrl ?? url);
}
