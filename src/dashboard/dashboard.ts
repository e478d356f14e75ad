/**
 * The dashboard: a handler that serves its page and what the page asks for.
 *
 * @module
 */

import { ConfigError } from "../base/errors.ts";
import { show } from "../base/text.ts";
import type { RateSync } from "../registry/rate_sync.ts";
import { readFields } from "../serve/fields.ts";
import { parseJson } from "../serve/json.ts";
import { Problem, problemOf } from "../serve/problem.ts";
import { checkOwnPage, DashboardAccess } from "./access.ts";
import { readLimited } from "./body.ts";
import { change } from "./changes.ts";
import { eventStream } from "./events.ts";
import { Feed } from "./feed.ts";
import { type NodeHandler, nodeHandler } from "./node_handler.ts";
import { type DashboardOptions, dashboardSettings } from "./options.ts";
import { pageResponse } from "./page_response.ts";

/** A dashboard: a handler of requests, for any server. */
export interface Dashboard {
  /** Answers a request: `Deno.serve`, `Bun.serve`, `app.mount` of Hono, route handlers. */
  (request: Request): Promise<Response>;
  /** The same for servers of `node:http`: Express, Connect, Fastify with `reply.hijack()`. */
  readonly node: NodeHandler;
  /** Ends the streams of all open pages. They try to connect again. */
  close(): void;
}

/**
 * Makes a dashboard of an instance: a page that shows, live, what the fleet does, and explains keys. It reads and counts
 * only while a page is open.
 *
 * The handler does not know who may see it: call it behind your own authentication, or give it a `token`.
 *
 * @example In a server of Deno or Bun, behind a check of one's own
 * ```ts
 * import { createRateSync } from "@ratesync/core";
 * import { createDashboard } from "@ratesync/core/dashboard";
 *
 * const rs = createRateSync({ limiters: { api: { ratePerSecond: 100 } } });
 * const dashboard = createDashboard(rs, { basePath: "/limits" });
 *
 * export default {
 *   async fetch(request: Request): Promise<Response> {
 *     if (!new URL(request.url).pathname.startsWith("/limits")) return new Response("hello");
 *     if (request.headers.get("x-user") !== "admin") return new Response(null, { status: 401 }); // as a proxy sets it
 *     return await dashboard(request);
 *   },
 * };
 * ```
 *
 * @param rs The instance.
 * @param options How the dashboard is made.
 * @throws {ConfigError} If the instance or an option cannot be used.
 */
export function createDashboard(rs: RateSync<string>, options: DashboardOptions = {}): Dashboard {
  if (typeof rs?.explain !== "function") {
    throw new ConfigError({ path: "rs", expected: "an instance, of createRateSync", received: show(rs) });
  }
  const { basePath, allowChanges, title, token, maxVisitors } = dashboardSettings(options);
  const feed = new Feed(rs, title, allowChanges);
  const access = new DashboardAccess(token);
  const streams = new Set<() => void>();

  const routes: Readonly<Record<string, readonly [method: string, answer: (request: Request) => Promise<Response>]>> = {
    "": ["GET", pageResponse],
    "/session": ["POST", async (request) => {
      checkOwnPage(request.headers);
      const fields = readFields(await bodyOf(request), { token: { kind: "text", most: 1_024, needed: true } }, "");
      const cookie = access.cookieFor(fields.token, request.url.startsWith("https:"));
      return new Response(null, { status: 204, headers: { ...HEADERS, "Set-Cookie": cookie } });
    }],
    "/events": ["GET", (request) => {
      access.check(request.headers);
      if (streams.size >= maxVisitors) {
        throw new Problem("TOO_MANY_CONNECTIONS", `${maxVisitors} pages are open already`);
      }
      // A page whose stream was refused asks by HEAD for the reason.
      const body = request.method === "HEAD" ? null : eventStream(feed, streams);
      return Promise.resolve(new Response(body, { headers: { ...HEADERS, ...STREAM } }));
    }],
    "/explain": ["POST", async (request) => {
      access.check(request.headers);
      checkOwnPage(request.headers);
      const { limiter, ...ask } = readFields(await bodyOf(request), ASK, "");
      const explanation = await rs.explain(limiter, withoutUndefined(ask));
      return json({ text: String(explanation), explanation });
    }],
    "/change": ["POST", async (request) => {
      access.check(request.headers);
      checkOwnPage(request.headers);
      if (!allowChanges) {
        throw new Problem("REQUEST_IMPOSSIBLE", "This dashboard only shows: it was made without allowChanges");
      }
      return json(await change(rs, await bodyOf(request)));
    }],
  };

  const handle = async (request: Request): Promise<Response> => {
    try {
      const { pathname } = new URL(request.url);
      const isBelow = pathname === basePath || pathname.startsWith(`${basePath}/`);
      const path = isBelow ? pathname.slice(basePath.length).replace(/\/$/, "") : undefined;
      const route = path !== undefined && Object.hasOwn(routes, path) ? routes[path] : undefined;
      if (route === undefined) throw new Problem("PATH_NOT_FOUND", `The dashboard has no ${pathname}`);
      const [method, answer] = route;
      if (request.method !== method && !(method === "GET" && request.method === "HEAD")) {
        throw new Problem("METHOD_NOT_ALLOWED", `${pathname} takes ${method}`, {}, { Allow: method });
      }
      return await answer(request);
    } catch (error) {
      const problem = problemOf(error) ?? new Problem("INTERNAL", "The dashboard failed to answer");
      if (problem.code === "INTERNAL") console.error("rate-sync: the dashboard failed", error);
      return json(problem, problem.status, { "Content-Type": "application/problem+json", ...problem.headers });
    }
  };
  const close = () => {
    for (const end of streams) end();
    feed.close();
  };
  return Object.assign(handle, { node: nodeHandler(handle), close });
}

/** What explanations and changes are about. */
const ASK = {
  limiter: { kind: "text", most: 1_024, needed: true },
  key: { kind: "text", most: 65_536 },
  cost: { kind: "whole", least: 1, most: Number.MAX_SAFE_INTEGER },
} as const;

/** The longest body that the page sends: a key and a few words. */
const MAX_BODY = 500_000;

const HEADERS = { "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff" };

/** Proxies must not gather events, nor compress them. */
const STREAM = {
  "Content-Type": "text/event-stream; charset=utf-8",
  "Cache-Control": "no-store, no-transform",
  "X-Accel-Buffering": "no",
};

async function bodyOf(request: Request): Promise<unknown> {
  if (!/^application\/json\b/i.test(request.headers.get("content-type") ?? "")) {
    throw new Problem("BODY_TYPE_UNKNOWN", "Send JSON, with Content-Type: application/json");
  }
  return parseJson(await readLimited(request, MAX_BODY));
}

function json(value: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify(value), {
    status,
    headers: { "Content-Type": "application/json", ...HEADERS, ...headers },
  });
}

function withoutUndefined<Values extends object>(
  values: Values,
): { [Name in keyof Values]: NonNullable<Values[Name]> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
}
