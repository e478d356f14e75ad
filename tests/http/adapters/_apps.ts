/**
 * One application, written in each framework and without one: says hello, sends a stream, hangs, or fails. Layers around
 * its guard send another answer in place of the application's at `/replaced`, and fail after it has answered at
 * `/fails-after`; a layer below the guard refuses `/refused`.
 *
 * @module
 */

import type { App } from "./_app.ts";
import { elysia, fetchHandler, hono, honoHttp2, honoNode } from "./_fetch_apps.ts";
import { express, fastify, fastifyHttp2, koa, koaHttp2, middleware, node, nodeHttp2 } from "./_node_apps.ts";

export { type AnyOptions, type App, Gate } from "./_app.ts";

/** What it is written in. */
export type AppName =
  | "fetch"
  | "node"
  | "middleware"
  | "express"
  | "express4"
  | "fastify"
  | "hono"
  | "honoNode"
  | "koa"
  | "koa2"
  | "elysia"
  | "nodeHttp2"
  | "fastifyHttp2"
  | "honoHttp2"
  | "koaHttp2"
  | "koa2Http2";

/** The applications by what they are written in. */
export const APPS: Readonly<Record<AppName, App>> = {
  fetch: fetchHandler,
  node,
  middleware,
  express: (options, gate) => express("express", options, gate),
  express4: (options, gate) => express("express4", options, gate),
  fastify,
  hono,
  koa: (options, gate) => koa("koa", options, gate),
  koa2: (options, gate) => koa("koa2", options, gate),
  elysia,
  nodeHttp2,
  fastifyHttp2,
  koaHttp2: (options, gate) => koaHttp2("koa", options, gate),
  koa2Http2: (options, gate) => koaHttp2("koa2", options, gate),
  honoNode, // these two come last: @hono/node-server replaces the global Response, which Deno.serve then refuses
  honoHttp2,
};
