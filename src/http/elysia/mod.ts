/**
 * Guards Elysia on Bun, and wherever else its `fetch` is served.
 *
 * @example An application
 * ```ts ignore
 * import { Elysia } from "elysia";
 * import { admissionOf, rateLimit } from "@ratesync/core/http/elysia";
 *
 * const app = new Elysia()
 *   .use(rateLimit({ limiter: "api" }))
 *   .get("/", ({ request }) => ({ left: admissionOf(request)?.decision?.remaining }));
 * export default app; // Bun serves it on port 3000
 * ```
 *
 * @module
 */

import type { Admission } from "../admission.ts";
import { admissionOf, remember, repeated } from "../admissions.ts";
import { readRequestBody } from "../body.ts";
import type { Guard } from "../guard.ts";
import { setHeaders } from "../set_headers.ts";
import type { GuardOptions } from "../options.ts";
import { guardWithPeer } from "../peer.ts";
import { Watch } from "../watch.ts";
import { watchStream } from "./stream.ts";

export { admissionOf };

/** What is used of the server of Bun. */
export interface ElysiaServer {
  /** Reports the address of a client. */
  readonly requestIP?: (request: Request) => { readonly address: string } | null;
}

/** What is used of a context of Elysia. */
export interface ElysiaContext {
  /** The request. */
  readonly request: Request;
  /** The runtime's server. */
  readonly server: ElysiaServer | null;
  /** The answer. */
  readonly set: ElysiaAnswer;
  /** The value that a handler has returned. */
  readonly responseValue?: unknown;
}

/** What handlers set on the answer. */
export interface ElysiaAnswer {
  /** Its headers. */
  headers: object;
  /** Its status. */
  status?: number | string | undefined;
}

/** What is used of an application of Elysia. */
export interface ElysiaApp {
  /** Adds a hook for requests that come in. */
  onRequest(...args: never[]): unknown;
  /** Adds a hook for what handlers give. */
  mapResponse(...args: never[]): unknown;
  /** Adds a hook for answers. */
  onAfterResponse(...args: never[]): unknown;
}

/** How these are called. */
interface Hooks {
  onRequest(hook: (context: ElysiaContext) => unknown): void;
  mapResponse(scope: { as: "global" }, hook: (context: ElysiaContext) => unknown): void;
  onAfterResponse(scope: { as: "global" }, hook: (context: ElysiaContext) => unknown): void;
}

/** How Elysia is guarded. */
export interface ElysiaRateLimitOptions extends GuardOptions<Request> {
  /** The address at the other end of the socket. @default the address that `Bun.serve` reports */
  readonly peer?: (request: Request) => string | undefined;
}

/**
 * A plugin that answers denied requests and passes on allowed ones, on every route. A permit is held until the body
 * of the answer has been sent or the client has left. The admission is `admissionOf(request)`.
 *
 * @param options How it guards, or a guard.
 */
export function rateLimit(
  options: ElysiaRateLimitOptions | Guard<Request>,
): <App extends ElysiaApp>(app: App) => App {
  const { guard, peer } = guardWithPeer<Request, [request: Request]>(options, toldByServer);

  // Elysia reads the source of hooks to see what of a context they need: so they name it, and hand no context on.
  return (app) => {
    const hooks = app as unknown as Hooks;
    hooks.onRequest(async ({ request, server, set }) => {
      const address = peer === toldByServer ? server?.requestIP?.(request)?.address : peer(request);
      const refused = await admit(guard, request, address, set);
      if (refused !== undefined) return refused;
    });
    hooks.mapResponse({ as: "global" }, ({ request, responseValue, set }) => {
      const { status } = set;
      const held = hold(request, responseValue, status);
      if (held !== undefined) return held;
    });
    hooks.onAfterResponse({ as: "global" }, ({ request, set }) => {
      const { status } = set;
      finish(request, status);
    });
    return app;
  };
}

/** Stands for the address that the server of Bun reports. */
function toldByServer(): undefined {}

/** A request that holds a permit or has a cost to settle. */
interface Open {
  readonly admission: Admission;
  /** What its handler has given: nothing yet, something that is sent at once, or a stream, whose end is waited for. */
  given: "nothing" | "all" | "stream";
  /** The status of the answer. */
  status: number | undefined;
}

const open = new WeakMap<Request, Open>();

/** Checks a request. The answer, if it is denied. */
async function admit(
  guard: Guard<Request>,
  request: Request,
  peer: string | undefined,
  set: ElysiaAnswer,
): Promise<Response | undefined> {
  if (repeated(request, guard) !== undefined) return undefined;
  const { method, url, headers } = request;
  const signal = guard.waits ? request.signal : undefined;
  const admission = await guard.admit({ method, url, headers, signal, peer, readBody: readRequestBody, raw: request });
  remember(request, guard, admission);
  if (!admission.allowed) return refusal(admission);
  const told = set.headers as Record<string, string | undefined>;
  setHeaders(admission.headers, { get: (name) => told[name], set: (name, value) => void (told[name] = value) });
  if (admission.isOpen) watch(request, { admission, given: "nothing", status: undefined });
  return undefined;
}

function refusal({ status, body, headers: pairs }: Admission): Response {
  const headers = new Headers();
  setHeaders(pairs, headers);
  return new Response(body, { status: status === 499 ? 408 : status, headers });
}

/** Waits for the client to leave. Deno aborts the signal of every request in the end. */
function watch(request: Request, it: Open): void {
  open.set(request, it);
  const left = () => void it.admission.finish(it.given === "all" ? { status: it.status } : { aborted: true });
  if (request.signal.aborted) left();
  else request.signal.addEventListener("abort", left, { once: true });
}

/** The same answer, whose end is the end of the admission; `undefined` where it is no stream. */
function hold(request: Request, value: unknown, status: number | string | undefined): unknown {
  const it = open.get(request);
  if (it === undefined) return undefined;
  const { admission } = it;
  const watched = value instanceof Response && value.body !== null
    ? new Watch(request, admission).answer(value)
    : watchStream(value, (outcome) => void admission.finish({ status: it.status, ...outcome }));
  it.given = watched === undefined ? "all" : "stream";
  it.status = statusOf(value) ?? statusOf({ status });
  return watched;
}

/** The answer has been handed over. */
function finish(request: Request, status: number | string | undefined): void {
  const it = open.get(request);
  if (it !== undefined && it.given !== "stream") {
    void it.admission.finish({ status: it.status ?? statusOf({ status }) });
  }
}

/** The status that a value tells: a `Response`, or what `status()` of Elysia makes. Elysia has names for some, too. */
function statusOf(value: unknown): number | undefined {
  const { status, code } = (value ?? {}) as { status?: unknown; code?: unknown };
  return [status, code].find((number) => typeof number === "number") as number | undefined;
}
