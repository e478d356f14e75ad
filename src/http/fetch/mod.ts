/**
 * Guards handlers that take a `Request` and give a `Response`: `Deno.serve`, `Bun.serve`, workers, route handlers and
 * middleware of Next.js.
 *
 * @example A handler
 * ```ts
 * import { guardHandler } from "@ratesync/core/http/fetch";
 *
 * const handler = guardHandler(() => new Response("hello"), { limiter: "api" });
 * export default { fetch: handler }; // or Deno.serve(handler), Bun.serve({ fetch: handler })
 * ```
 *
 * @module
 */

import { forget, remember, repeated } from "../admissions.ts";
import { readRequestBody } from "../body.ts";
import { checkHandler } from "../check_options.ts";
import type { Guard } from "../guard.ts";
import { setHeaders } from "../set_headers.ts";
import type { GuardOptions } from "../options.ts";
import { guardWithPeer } from "../peer.ts";
import { answerWith, Watch } from "../watch.ts";
import { asResponse } from "./foreign_response.ts";

/** How a handler is guarded. */
export interface FetchGuardOptions<Req, Rest extends unknown[]> extends GuardOptions<Req> {
  /**
   * The address at the other end of the socket, from what the runtime hands to the handler.
   * @default the address that `Deno.serve` or `Bun.serve` reports
   */
  readonly peer?: (request: Req, ...rest: Rest) => string | undefined;
}

/**
 * Wraps a handler: it is called for allowed requests only. A permit is held until the body of the
 * answer has been sent, or the client has left.
 *
 * @param handler Answers. What it throws or rejects with is passed on.
 * @param options How it is guarded, or a guard.
 * @throws {ConfigError} If the handler is no function, or an option cannot be used.
 */
export function guardHandler<Req extends Request, Rest extends unknown[], Result extends Response | undefined | void>(
  handler: (request: Req, ...rest: Rest) => Result | Promise<Result>,
  options: FetchGuardOptions<Req, Rest> | Guard<Req>,
): (request: Req, ...rest: Rest) => Promise<Result | Response> {
  checkHandler(handler);
  const { guard, peer } = guardWithPeer<Req, [request: Req, ...rest: Rest]>(options, peerOf);
  return async (request, ...rest) => {
    if (repeated(request, guard) !== undefined) return await handler(request, ...rest);
    const { method, url, headers } = request;
    const signal = guard.waits ? request.signal : undefined;
    const address = peer(request, ...rest);
    const facts = { method, url, headers, signal, peer: address, readBody: readRequestBody, raw: request };
    const admitted = guard.admitNow(facts);
    const admission = admitted instanceof Promise ? await admitted : admitted;
    if (!admission.allowed) {
      const refusal = new Response(admission.body, { status: admission.status });
      setHeaders(admission.headers, refusal.headers);
      return refusal;
    }
    const watch = admission.isOpen ? new Watch(request, admission, completedOf(rest[0])) : undefined;
    remember(request, guard, admission);
    try {
      const answer = await handler(request, ...rest);
      const response = asResponse(answer);
      if (response !== undefined) return answerWith(response, admission, admission.headers, watch);
      await admission.finish(); // a connection that has become another one, such as a socket
      return answer;
    } catch (error) {
      await admission.finish({ error });
      throw error;
    } finally {
      forget(request);
    }
  };
}

/** The address that `Deno.serve` or `Bun.serve` reports. */
function peerOf(request: unknown, ...[info]: unknown[]): string | undefined {
  if (typeof info !== "object" || info === null) return undefined;
  const { remoteAddr, requestIP } = info as {
    remoteAddr?: { hostname?: unknown };
    requestIP?: (request: unknown) => { address?: unknown } | null;
  };
  const address = typeof requestIP === "function" ? requestIP.call(info, request)?.address : remoteAddr?.hostname;
  return typeof address === "string" ? address : undefined;
}

/** The promise of `Deno.serve` that settles when the request is over. */
function completedOf(info: unknown): PromiseLike<unknown> | undefined {
  const { completed } = (info ?? {}) as { completed?: unknown };
  return completed instanceof Promise ? completed : undefined;
}
