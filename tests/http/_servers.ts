/**
 * Servers on loopback ports: each runtime's own for fetch handlers, and `node:http`, which all of them have.
 *
 * @module
 */

import { once } from "node:events";
import { createServer, type IncomingMessage, request as newRequest, type ServerResponse } from "node:http";
import { createServer as createHttp2Server, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";

/** A server that is listening. */
export interface RunningServer extends AsyncDisposable {
  /** Where: `http://127.0.0.1:1234`. */
  readonly url: string;
}

/** A handler of `Deno.serve` and `Bun.serve`; what comes second is the runtime's. */
export type FetchHandler = (request: Request, info: never) => Response | Promise<Response>;

/** What is used of the runtimes' own servers. */
interface Runtimes {
  readonly Deno?: {
    serve(
      options: { hostname: string; port: number; onListen: () => void },
      handler: (request: Request, info: never) => Response | Promise<Response>,
    ): { addr: { port: number }; shutdown(): Promise<void> };
  };
  readonly Bun?: {
    serve(options: {
      hostname: string;
      port: number;
      idleTimeout: number;
      fetch: FetchHandler;
      websocket: { message(): void };
    }): {
      port: number;
      stop(closeActive: boolean): Promise<void>;
    };
  };
}

/** Serves a fetch handler with the runtime's own server; on Node, which has none, with a bridge over `node:http`. */
export async function serveFetch(handler: FetchHandler): Promise<RunningServer> {
  const { Deno, Bun } = globalThis as Runtimes;
  if (Deno !== undefined) {
    const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, handler);
    return running(server.addr.port, () => server.shutdown());
  }
  if (Bun !== undefined) {
    const server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      idleTimeout: 60,
      fetch: handler,
      websocket: { message() {} },
    });
    return running(server.port, () => server.stop(true));
  }
  return await serveNode((incoming, outgoing) => void bridge(handler, incoming, outgoing));
}

/** Serves a handler of `node:http`. */
export async function serveNode(
  handler: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<RunningServer> {
  const server = createServer(handler);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return running((server.address() as AddressInfo).port, async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  });
}

/** Serves a handler of `node:http2`, without TLS. */
export async function serveHttp2(
  handler: (request: Http2ServerRequest, response: Http2ServerResponse) => void,
): Promise<RunningServer> {
  const server = createHttp2Server(handler);
  const sessions = new Set<{ destroy(): void }>();
  server.on("session", (session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return running((server.address() as AddressInfo).port, async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const session of sessions) session.destroy();
    await closed;
  });
}

function running(port: number, close: () => Promise<void>): RunningServer {
  return { url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: close };
}

/** What a platform on Node does: tells the peer as Deno does, and aborts the request when the client leaves. */
async function bridge(handler: FetchHandler, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const controller = new AbortController();
  const left = () => {
    if (!outgoing.writableFinished) controller.abort();
  };
  outgoing.once("close", left);
  incoming.socket.once("close", left); // a response that waits behind another one is not told
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headers)) headers.set(name, [value].flat().join(", "));
  const url = `http://${incoming.headers.host}${incoming.url}`;
  const { method = "GET" } = incoming;
  const hasBody = method !== "GET" && method !== "HEAD";
  const init = { method, headers, signal: controller.signal, duplex: "half" };
  const request = new Request(url, hasBody ? { ...init, body: Readable.toWeb(incoming) as never } : init);
  const info = { remoteAddr: { hostname: incoming.socket.remoteAddress } };
  const response = await handler(request, info as never);
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  if (response.body === null) return void outgoing.end();
  const body = Readable.fromWeb(response.body as never);
  body.on("error", () => outgoing.destroy());
  outgoing.once("close", () => void body.destroy());
  body.pipe(outgoing);
}

/** A client that can leave. */
export interface Visit {
  /** The status, once there is one. */
  readonly status: Promise<number | undefined>;
  /** Closes the connection. */
  leave(): void;
}

/** Asks on a connection of its own, and reads nothing but the status. */
export function visit(url: string): Visit {
  const outgoing = newRequest(url, { agent: false });
  const status = new Promise<number | undefined>((resolve) => {
    outgoing.once("response", (response) => {
      response.on("error", () => {});
      response.resume();
      resolve(response.statusCode);
    });
    outgoing.once("error", () => resolve(undefined));
    outgoing.once("close", () => resolve(undefined));
  });
  outgoing.end();
  return { status, leave: () => void outgoing.destroy() };
}
