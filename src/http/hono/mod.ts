/**
 * Guards Hono 4 on Node, Deno, Bun and workers.
 *
 * @example An application
 * ```ts ignore
 * import { Hono } from "hono";
 * import { rateLimit, type RateLimitVariables } from "@ratesync/core/http/hono";
 *
 * const app = new Hono<{ Variables: RateLimitVariables }>();
 * app.use(rateLimit({ limiter: "api" }));
 * app.get("/", (context) => context.json({ left: context.get("rateLimit").decision?.remaining }));
 * export default app;
 * ```
 *
 * @module
 */

import type { Admission } from "../admission.ts";
import { admissionOf, remember, repeated } from "../admissions.ts";
import type { Guard } from "../guard.ts";
import type { HeaderPair } from "../header_pair.ts";
import { inLowerCase, setHeaders } from "../set_headers.ts";
import { finishWith, type NodeResponse } from "../node_http.ts";
import { readRequestBody } from "../body.ts";
import type { GuardOptions } from "../options.ts";
import type { RequestFacts } from "../request.ts";
import { guardWithPeer } from "../peer.ts";
import type { HeaderSource } from "../header_source.ts";
import { answerWith, Watch } from "../watch.ts";

/** What is used of a context of Hono. */
export interface HonoContext {
  /** The request. */
  readonly req: { readonly raw: Request; readonly method: string; readonly url: string };
  /** What the runtime's server passes to the application. */
  readonly env: unknown;
  /** The answer. */
  res: Response;
  /** What a handler has thrown. */
  readonly error: Error | undefined;
  /** Sets a variable. */
  set(name: "rateLimit", value: Admission): void;
  /** Whether there is an answer. */
  readonly finalized: boolean;
  /** Sets a header of the answer that the context will make. */
  header(name: string, value: string, options: { readonly append: boolean }): void;
}

/** The variables of a context after the middleware. */
export interface RateLimitVariables {
  /** The admission of the request. */
  rateLimit: Admission;
}

/** How Hono is guarded. */
export interface HonoRateLimitOptions<Context extends HonoContext = HonoContext> extends GuardOptions<Context> {
  /**
   * The address at the other end of the socket.
   * @default the address that `@hono/node-server`, `Deno.serve` or `Bun.serve` reports; a worker takes it from `addressHeader`
   */
  readonly peer?: (context: Context) => string | undefined;
}

/**
 * Middleware that answers denied requests and passes on allowed ones. A permit is held until the body of the answer has
 * been sent or the client has left. The admission is `context.get("rateLimit")`.
 *
 * @param options How it guards, or a guard.
 */
export function rateLimit<Context extends HonoContext>(
  options: HonoRateLimitOptions<Context> | Guard<Context>,
): (context: Context, next: () => Promise<void>) => Promise<Response | void> {
  const { guard, peer } = guardWithPeer<Context, [context: Context]>(options, peerOf);
  return async (context, next) => {
    if (repeated(context, guard) !== undefined) return await next();
    const signal = guard.waits ? context.req.raw.signal : undefined;
    const admitted = guard.admitNow(new HonoFacts(context, peer(context), signal));
    const admission = admitted instanceof Promise ? await admitted : admitted;
    const isFirst = admissionOf(context) === undefined;
    remember(context, guard, admission);
    context.set("rateLimit", admission);
    if (!admission.allowed) return refusal(context, admission);
    const watch = admission.isOpen ? watchEnd(context, admission) : undefined;
    const isAhead = isFirst && setAhead(context, admission.headers);
    try {
      await next();
    } catch (error) {
      await admission.finish({ error });
      throw error;
    }
    const { res, error } = context;
    if (error !== undefined) await admission.finish({ status: res.status, error });
    const missing = isAhead && hasHeaders(res, admission.headers) ? [] : admission.headers;
    const answer = answerWith(res, admission, missing, error === undefined ? watch : undefined);
    if (answer === res) return;
    (context as { res: Response | undefined }).res = undefined; // else the old headers would be put over the new ones
    context.res = answer;
  };
}

/**
 * Sets headers before there is an answer. The context makes most answers with them, which costs less than to add them to
 * one that is made. Only items of lists, as draft 11 has them: they can be appended to what the application has set.
 * Returns whether it has set them.
 */
function setAhead(context: HonoContext, headers: readonly HeaderPair[]): boolean {
  if (context.finalized || !headers.every(([, value]) => value.startsWith('"'))) return false;
  for (const [name, value] of headers) context.header(inLowerCase(name), value, APPEND);
  return true;
}

const APPEND = { append: true };

/** Whether an answer has headers that were set ahead, with no other items. */
function hasHeaders({ headers }: Response, pairs: readonly HeaderPair[]): boolean {
  return pairs.every(([name, value]) => headers.get(inLowerCase(name)) === value);
}

/** The answer to a denied request. Hono puts headers that other middleware set earlier over those of an answer, so both are joined. */
function refusal({ res }: HonoContext, { status, body, headers: pairs }: Admission): Response {
  const headers = new Headers();
  setHeaders(pairs, {
    get: (name) => headers.get(name) ?? res.headers.get(name),
    set(name, value) {
      headers.set(name, value);
      if (res.headers.has(name)) res.headers.set(name, value);
    },
  });
  return new Response(body, { status: status === 499 ? 408 : status, headers });
}

/**
 * Waits for the end of a request: of its answer on the wire where that is Node's, whatever layers around the guard make of
 * it; else of the body that the guard hands out.
 */
function watchEnd({ env, req }: HonoContext, admission: Admission): Watch | undefined {
  const { incoming, outgoing, completed } = (env ?? {}) as ServerEnv;
  if (outgoing === undefined || incoming?.socket === undefined) return new Watch(req.raw, admission, completed);
  finishWith({ socket: incoming.socket }, outgoing, admission);
  return undefined;
}

/** What the servers of the runtimes hand to a handler as its environment. */
interface ServerEnv {
  readonly incoming?: {
    readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>;
    readonly socket?: { readonly remoteAddress?: string };
  };
  readonly outgoing?: NodeResponse;
  readonly completed?: PromiseLike<unknown>;
  readonly remoteAddr?: { readonly hostname?: unknown };
  readonly requestIP?: (request: Request) => { readonly address?: unknown } | null;
  readonly server?: Pick<ServerEnv, "requestIP">;
}

/** A request as a guard reads it: what no rule needs is not read. */
class HonoFacts<Context extends HonoContext> implements RequestFacts<Context> {
  readonly raw: Context;
  readonly peer: string | undefined;
  readonly signal: AbortSignal | undefined;

  constructor(context: Context, peer: string | undefined, signal: AbortSignal | undefined) {
    this.raw = context;
    this.peer = peer;
    this.signal = signal;
  }

  get method(): string {
    return this.raw.req.method;
  }

  get url(): string {
    return this.raw.req.url;
  }

  /** The headers as Node has read them, where that is the server: a `Headers` object would have to be made first. */
  get headers(): HeaderSource {
    const { env, req } = this.raw;
    return (env as ServerEnv | undefined)?.incoming?.headers ?? req.raw.headers;
  }

  /** The body; as text where something has read it through Hono, which keeps it then. */
  readBody({ req }: Context, maxBytes: number): unknown {
    const { raw } = req;
    if (!raw.bodyUsed) return readRequestBody(raw, maxBytes);
    const { bodyCache, text } = req as { readonly bodyCache?: object; readonly text?: () => Promise<string> };
    return bodyCache === undefined || Object.keys(bodyCache).length === 0 ? undefined : text?.call(req);
  }
}

function peerOf({ env, req }: HonoContext): string | undefined {
  if (typeof env !== "object" || env === null) return undefined;
  const { incoming, remoteAddr, server = env } = env as ServerEnv;
  if (incoming !== undefined) return incoming.socket?.remoteAddress;
  const { requestIP } = server as ServerEnv;
  const address = typeof requestIP === "function" ? requestIP.call(server, req.raw)?.address : remoteAddr?.hostname;
  return typeof address === "string" ? address : undefined;
}
