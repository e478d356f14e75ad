/**
 * Guards Koa 3 and 2.
 *
 * @example An application
 * ```ts ignore
 * import Koa from "koa";
 * import { rateLimit, type RateLimitState } from "@ratesync/core/http/koa";
 *
 * const app = new Koa<RateLimitState>();
 * app.use(rateLimit({ limiter: "api" }));
 * app.use((context) => void (context.body = { left: context.state.rateLimit.decision?.remaining }));
 * app.listen(3000);
 * ```
 *
 * @module
 */

import type { Admission } from "../admission.ts";
import { remember, repeated } from "../admissions.ts";
import { type Guard, guardOf } from "../guard.ts";
import { type HeaderAccess, setHeadersOf } from "../set_headers.ts";
import { finishWith, type NodeRequest, type NodeResponse, signalOf } from "../node_http.ts";
import { readNodeBody } from "../node_body.ts";
import type { GuardOptions } from "../options.ts";

export type { NodeRequest, NodeResponse } from "../node_http.ts";

/** What is used of a context of Koa. */
export interface KoaContext {
  /** The method. */
  readonly method: string;
  /** The path with its query as the client sent it. */
  readonly originalUrl: string;
  /** The request. */
  readonly req: NodeRequest;
  /** The answer. */
  readonly res: NodeResponse;
  /** Values that middleware leaves for other middleware. */
  readonly state: object;
  /** The status of the answer. */
  status: number;
  /** The body of the answer. */
  body: unknown;
  /** Sets a header of the answer. */
  set(name: string, value: string): void;
}

/** What is in `context.state` after the middleware. */
export interface RateLimitState {
  /** The admission of the request. */
  rateLimit: Admission;
}

/**
 * Middleware that answers denied requests and passes on allowed ones. A permit is held until the answer has been sent or
 * the client has left. The admission is `context.state.rateLimit`.
 *
 * @param options How it guards, or a guard.
 */
export function rateLimit<Context extends KoaContext>(
  options: GuardOptions<Context> | Guard<Context>,
): (context: Context, next: () => Promise<unknown>) => Promise<void> {
  const guard = guardOf(options);
  return async (context, next) => {
    const { method, originalUrl, req, res } = context;
    if (repeated(context, guard) !== undefined) {
      await next();
      return;
    }
    const admitted = guard.admitNow({
      method,
      url: originalUrl,
      headers: req.headers,
      peer: req.socket.remoteAddress,
      signal: guard.waits ? signalOf(req, res) : undefined,
      readBody: readKoaBody,
      raw: context,
    });
    const admission = admitted instanceof Promise ? await admitted : admitted;
    remember(context, guard, admission);
    (context.state as RateLimitState).rateLimit = admission;
    setHeadersOf<KoaContext>(context, admission.headers, CONTEXT_HEADERS);
    if (!admission.allowed) {
      context.status = admission.status;
      context.body = admission.body;
      return;
    }
    if (admission.isOpen) finishWith(req, res, admission);
    await next();
  };
}

/** The headers of the answer to a context. */
const CONTEXT_HEADERS: HeaderAccess<KoaContext> = {
  get: ({ res }, name) => res.getHeader(name)?.toString(),
  set: (context, name, value) => context.set(name, value),
};

/** What a body parser has put on the request of Koa; else the body of the request of Node. */
function readKoaBody(context: KoaContext, maxBytes: number): unknown {
  const { request } = context as { readonly request?: { readonly body?: unknown } };
  return request?.body ?? readNodeBody(context.req, maxBytes);
}
