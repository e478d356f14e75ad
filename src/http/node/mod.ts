/**
 * Guards `node:http`, and whatever speaks like it, on every runtime.
 *
 * @example A server
 * ```ts
 * import { createServer } from "node:http";
 * import { guardHandler } from "@ratesync/core/http/node";
 *
 * createServer(guardHandler((_request, response) => void response.end("hello"), { limiter: "api" })).listen(3000);
 * ```
 *
 * @module
 */

import type { IncomingMessage, ServerResponse } from "node:http";

import type { Admission } from "../admission.ts";
import { checkHandler } from "../check_options.ts";
import { type Guard, guardOf } from "../guard.ts";
import { admitNode, end, type Next, nodeMiddleware, type NodeRequest, type NodeResponse } from "../node_http.ts";
import type { GuardOptions } from "../options.ts";

export { admitNode, type Next, type NodeRequest, type NodeResponse };

/**
 * Wraps a handler: it is called for allowed requests only. A permit is held until the answer has
 * been sent or the client has left. Where the guard cannot be used, because its limiter is not there, it logs why and
 * answers 500.
 *
 * @param handler Answers.
 * @param options How it is guarded, or a guard.
 * @returns The handler. What it returns rejects if `handler` throws or rejects.
 */
export function guardHandler<Req extends NodeRequest = IncomingMessage, Res extends NodeResponse = ServerResponse>(
  handler: (request: Req, response: Res) => unknown,
  options: GuardOptions<Req> | Guard<Req>,
): (request: Req, response: Res) => Promise<void> {
  checkHandler(handler);
  const guard = guardOf(options);
  return async (request, response) => {
    let admission: Admission;
    try {
      admission = await admitNode(guard, request, response);
    } catch (error) {
      console.error("rate-sync: a request could not be guarded, it is answered 500", error);
      response.statusCode = 500;
      return end(response, "");
    }
    if (!admission.allowed) return;
    try {
      await handler(request, response);
    } catch (error) {
      await admission.finish({ error });
      throw error;
    }
  };
}

/**
 * Middleware that calls `next` for allowed requests, and answers denied ones. Where the guard cannot be
 * used, because its limiter is not there, `next` is called with the error.
 *
 * @param options How it guards, or a guard.
 */
export function guardMiddleware<Req extends NodeRequest = IncomingMessage, Res extends NodeResponse = ServerResponse>(
  options: GuardOptions<Req> | Guard<Req>,
): (request: Req, response: Res, next: Next) => void {
  return nodeMiddleware(guardOf(options), ({ url }) => url);
}
