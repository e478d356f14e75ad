/**
 * Guards Fastify 5.
 *
 * @example An application
 * ```ts ignore
 * import Fastify from "fastify";
 * import { admissionOf, rateLimit } from "@ratesync/core/http/fastify";
 *
 * const app = Fastify();
 * await app.register(rateLimit, { limiter: "api" });
 * app.get("/", (request) => ({ left: admissionOf(request)?.decision?.remaining }));
 * app.post("/login", { config: { rateLimit: { limiter: "login" } } }, () => ({}));
 * app.get("/health", { config: { rateLimit: false } }, () => "ok");
 * await app.listen({ port: 3000 });
 * ```
 *
 * @module
 */

import { ConfigError } from "../../base/errors.ts";
import { listWords, show } from "../../base/text.ts";
import type { Admission } from "../admission.ts";
import { admissionOf, remember, repeated } from "../admissions.ts";
import { Guard } from "../guard.ts";
import { type HeaderAccess, inLowerCase, setHeadersOf } from "../set_headers.ts";
import { finishWith, type NodeRequest, type NodeResponse, signalOf } from "../node_http.ts";
import { readNodeBody } from "../node_body.ts";
import type { GuardOptions } from "../options.ts";
import type { RequestFacts } from "../request.ts";

export { admissionOf };
export type { NodeRequest, NodeResponse } from "../node_http.ts";

/** What is used of a request of Fastify. */
export interface FastifyRequest {
  /** The method. */
  readonly method: string;
  /** The path with its query as the client sent it. */
  readonly originalUrl: string;
  /** The headers, names in lower case. */
  readonly headers: NodeRequest["headers"];
  /** The connection. */
  readonly socket: NodeRequest["socket"];
  /** The route that answers. */
  readonly routeOptions: { readonly config?: unknown };
}

/** What is used of a reply of Fastify. */
export interface FastifyReply {
  /** The answer of `node:http`. */
  readonly raw: NodeResponse;
  /** Sets the status. */
  code(status: number): unknown;
  /** A header that is set. */
  getHeader(name: string): number | string | readonly string[] | undefined;
  /** Sets a header. */
  header(name: string, value: string): unknown;
  /** Sends the answer. */
  send(body: string): unknown;
}

/** What is used of an instance of Fastify. */
export interface FastifyInstance {
  /** Whether requests have a property. */
  hasRequestDecorator(name: string): boolean;
  /** Gives requests a property. */
  decorateRequest(name: string, value: null): unknown;
  /** Adds a hook. */
  addHook(...args: never[]): unknown;
}

/** What is used of a route that is being made. */
type Route = { config?: unknown } & { [Hook in FastifyHook]?: unknown };

/**
 * A hook that goes on when it calls its last argument, or when the promise that it returns resolves. The third argument of
 * `preParsing` is the body.
 */
type Hook<Req> = (request: Req, reply: FastifyReply, nextOrBody: unknown, next?: unknown) => unknown;

/** How hooks are added. */
interface Hooks<Req> {
  addHook(name: "onRoute", hook: (route: Route) => void): void;
  addHook(name: FastifyHook, hook: Hook<Req>): void;
}

/**
 * The hook of Fastify in which a request is decided.
 *
 * - `onRequest`: Before anything of the body is read.
 * - `preParsing`: Before the body is parsed.
 * - `preValidation`: After the body is parsed, before it is validated.
 * - `preHandler`: After validation: for keys and costs in the body.
 */
export type FastifyHook = "onRequest" | "preParsing" | "preValidation" | "preHandler";

/** How Fastify is guarded. */
export interface FastifyRateLimitOptions<Req = FastifyRequest> extends GuardOptions<Req> {
  /**
   * When requests are decided about: `"onRequest"` before anything is read of the body, `"preHandler"` after, for keys
   * and costs that are in it. @default {"onRequest"}
   */
  readonly hook?: FastifyHook;
  /** Whether routes are guarded that say nothing themselves. @default {true} */
  readonly global?: boolean;
}

/** What a route says, as `config: { rateLimit }`: other options than the plugin's, or `false` for none. */
export type FastifyRouteRateLimit<Req = FastifyRequest> = Partial<GuardOptions<Req>> | false;

const HOOKS: readonly FastifyHook[] = ["onRequest", "preParsing", "preValidation", "preHandler"];

/**
 * A plugin that answers denied requests and passes on allowed ones, on every route of the instance that it is
 * registered on, and of those below. A permit is held until the answer has been sent or the client has left. The
 * admission is `request.rateLimit`, and, with its type, `admissionOf(request)`.
 *
 * @param fastify The instance.
 * @param options How it guards. Routes may say otherwise: `config: { rateLimit: { ... } }`.
 * @param done Called at the end; with an error if anything is wrong that can be known then.
 * @throws {TypeError} If it is called as a function that makes a plugin.
 */
export function rateLimit<Req extends FastifyRequest = FastifyRequest>(
  fastify: FastifyInstance,
  options: FastifyRateLimitOptions<Req>,
  done: (error?: Error) => void,
): void {
  if (typeof done !== "function") {
    throw new TypeError(
      "Cannot register the plugin: expected fastify.register(rateLimit, options), received a call of it",
    );
  }
  try {
    register(fastify, options);
  } catch (error) {
    return done(error as Error);
  }
  done();
}

// The instance around it is meant, not one of its own.
Object.assign(rateLimit, {
  [Symbol.for("skip-override")]: true,
  [Symbol.for("fastify.display-name")]: "@ratesync/core",
});

function register<Req extends FastifyRequest>(fastify: FastifyInstance, options: FastifyRateLimitOptions<Req>): void {
  const { hook = "onRequest", global = true, ...own } = options;
  if (!HOOKS.includes(hook)) throw new ConfigError({ path: "hook", expected: listWords(HOOKS), received: show(hook) });
  if (typeof global !== "boolean") {
    throw new ConfigError({ path: "global", expected: "a boolean", received: show(global) });
  }
  const guards = new RouteGuards<Req>(withoutRegisterOptions(own), global);
  if (!fastify.hasRequestDecorator("rateLimit")) fastify.decorateRequest("rateLimit", null);
  // The types of Fastify are overloads for each hook, and differ between its versions.
  const hooks = fastify as unknown as Hooks<Req>;
  const decide: Hook<Req> = (request, reply, nextOrBody, next = nextOrBody) => {
    const guard = guards.of(request.routeOptions?.config);
    const allowed = guard === undefined || admit(guard, request, reply);
    if (allowed === true) return (next as () => void)();
    return allowed === false ? undefined : allowed;
  };
  if (hook === "onRequest") {
    hooks.addHook("onRoute", ({ config }) => void guards.of(config)); // a mistake shows when the route is made
    hooks.addHook(hook, decide);
    return;
  }
  // A later hook is chosen for what other hooks have put on the request, so the guard comes after all of them: the hooks of
  // a route run after those of instances. Routes made before the plugin, and pages that are not there, are left to the
  // instance; what has been decided by the route comes later, so the instance leaves that out.
  const byRoute = Symbol("the route decides");
  hooks.addHook("onRoute", (route) => {
    void guards.of(route.config);
    const own = route[hook];
    route[hook] = [...(own === undefined ? [] : [own].flat()), decide];
    route.config = { ...route.config as object | undefined, [byRoute]: true };
  });
  hooks.addHook(hook, (request, reply, nextOrBody, next = nextOrBody) => {
    const config = request.routeOptions?.config as { readonly [byRoute]?: true } | undefined;
    return config?.[byRoute] ? (next as () => void)() : decide(request, reply, nextOrBody, next);
  });
}

/** The guards of routes. */
class RouteGuards<Req extends FastifyRequest> {
  readonly #options: GuardOptions<Req>;
  readonly #usual: Guard<Req> | undefined;
  readonly #others = new WeakMap<object, Guard<Req>>();

  constructor(options: GuardOptions<Req>, global: boolean) {
    this.#options = options;
    this.#usual = global ? new Guard(options) : undefined;
  }

  /** The guard of a route, by its configuration; `undefined` where it has none. */
  of(config: unknown): Guard<Req> | undefined {
    const own = (config as { readonly rateLimit?: unknown } | undefined)?.rateLimit;
    if (own === undefined || own === true) return this.#usual;
    if (own === false) return undefined;
    if (typeof own !== "object" || own === null) {
      throw new ConfigError({ path: "config.rateLimit", expected: "options, or false for none", received: show(own) });
    }
    let guard = this.#others.get(own);
    if (guard === undefined) this.#others.set(own, guard = new Guard<Req>({ ...this.#options, ...own }));
    return guard;
  }
}

/** Whether the guard allows a request. Answers one that is denied. */
function admit<Req extends FastifyRequest>(
  guard: Guard<Req>,
  request: Req,
  reply: FastifyReply,
): boolean | Promise<boolean> {
  if (repeated(request, guard) !== undefined) return true;
  const admission = guard.admitNow(new FastifyFacts(request, guard.waits ? signalOf(request, reply.raw) : undefined));
  return admission instanceof Promise
    ? admission.then((later) => answer(guard, request, reply, later))
    : answer(guard, request, reply, admission);
}

/** A request as a guard reads it: what no rule needs is not read. */
class FastifyFacts<Req extends FastifyRequest> implements RequestFacts<Req> {
  readonly raw: Req;
  readonly peer: string | undefined; // a connection that is closed has none
  readonly signal: AbortSignal | undefined;

  constructor(request: Req, signal: AbortSignal | undefined) {
    this.raw = request;
    this.peer = request.socket.remoteAddress;
    this.signal = signal;
  }

  get method(): string {
    return this.raw.method;
  }

  get url(): string {
    return this.raw.originalUrl;
  }

  get headers(): FastifyRequest["headers"] {
    return this.raw.headers;
  }

  /** The parsed body, in hooks that have it; else the body of the request of Node. */
  readBody(request: Req, maxBytes: number): unknown {
    const { body, raw } = request as { readonly body?: unknown; readonly raw?: object };
    return body ?? (raw === undefined ? undefined : readNodeBody(raw, maxBytes));
  }
}

/** The headers of a reply. */
const REPLY_HEADERS: HeaderAccess<FastifyReply> = {
  get: (reply, name) => reply.getHeader(inLowerCase(name))?.toString(),
  set: (reply, name, value) => void reply.header(inLowerCase(name), value),
};

function answer<Req extends FastifyRequest>(
  guard: Guard<Req>,
  request: Req,
  reply: FastifyReply,
  admission: Admission,
): boolean {
  remember(request, guard, admission);
  (request as { rateLimit?: unknown }).rateLimit = admission;
  setHeadersOf(reply, admission.headers, REPLY_HEADERS);
  if (admission.allowed) {
    if (admission.isOpen) finishWith(request, reply.raw, admission);
    return true;
  }
  reply.code(admission.status);
  reply.send(admission.body);
  return false;
}

/** Without what `register` itself takes among the options. */
function withoutRegisterOptions<Options extends object>(options: Options): Options {
  const { prefix: _prefix, logLevel: _level, logSerializers: _serializers, ...rest } = options as Record<
    string,
    unknown
  >;
  return rest as Options;
}
