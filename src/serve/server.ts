/**
 * The server: `node:http`, which Node, Deno and Bun have, and its limits.
 *
 * @module
 */

import { chmod } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import type { RateSync } from "../registry/rate_sync.ts";
import { answerProblem, type ServeAnswer, ServeApp } from "./app.ts";
import { readBody } from "./body.ts";
import { Connections, IDLE_MS } from "./connections.ts";
import { freeSocket } from "./free_socket.ts";
import { type ServeOptions, type ServeSettings, serveSettings } from "./options.ts";
import { Problem } from "./problem.ts";

/** The status of an answer to a client whose body did not come in time: there is no rest to wait for. */
const TOO_SLOW = 408;

/** How long clients may take to hand back what they hold when the server closes, in milliseconds. */
export const DRAIN_MS = 25_000;

/** A server that listens. */
export interface ServeServer extends AsyncDisposable {
  /** Where: `http://127.0.0.1:4290`, or the path of the socket. */
  readonly url: string;
  /** How many calls wait, and how many permits and reservations clients hold. */
  readonly unfinished: number;
  /**
   * Stops. New decisions are refused from now on. Those that wait may finish, and clients may release and settle what
   * they hold, until nothing is left or `drainMs` are over; then the permits are released, and the server ends. The
   * instance stays open.
   *
   * @param options `drainMs`: in milliseconds, from 0. @default {25_000}
   */
  close(options?: { readonly drainMs?: number }): Promise<void>;
}

/**
 * Starts a server that decides for programs in other languages.
 *
 * @param rs The instance that decides. It is not closed with the server.
 * @param options How the server runs.
 * @throws {ConfigError} If an option cannot be used, or the server would be open to other machines without a token.
 */
export async function startServer(rs: RateSync, options: ServeOptions = {}): Promise<ServeServer> {
  const settings = serveSettings(options);
  const app = new ServeApp(rs, settings);
  const server = createServer({ keepAliveTimeout: IDLE_MS });
  server.headersTimeout = settings.headTimeoutMs;
  server.requestTimeout = settings.headTimeoutMs + settings.bodyTimeoutMs;
  const connections = new Connections(server, settings);
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    void serve({ app, settings, connections }, request, response).catch(settings.onError);
  });
  const url = await listen(server, settings);
  let closing: Promise<void> | undefined;
  const close = ({ drainMs = DRAIN_MS }: { readonly drainMs?: number } = {}): Promise<void> =>
    closing ??= app.drain(drainMs).then(() => connections.close());
  return {
    url,
    get unfinished() {
      return app.unfinished;
    },
    close,
    [Symbol.asyncDispose]: () => close({ drainMs: 0 }),
  };
}

/** The parts of a server. */
interface ServerParts {
  readonly app: ServeApp;
  readonly settings: ServeSettings;
  readonly connections: Connections;
}

async function serve(
  { app, settings, connections }: ServerParts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const left = new AbortController();
  response.once("close", () => {
    if (!response.writableFinished) left.abort();
  });
  connections.began(request.socket, response);
  if (connections.isTooMany(request.socket)) {
    const detail = `Cannot serve more than ${settings.maxConnections} connections at once`;
    return send(request, response, answerProblem(new Problem("TOO_MANY_CONNECTIONS", detail)), settings, true);
  }
  const answer = await app.answer({
    method: request.method ?? "GET",
    path: (request.url ?? "/").replace(/\?.*$/s, ""),
    header: (name) => [request.headers[name]].flat().join(", ") || undefined,
    body: () => readBody(request, settings),
    signal: left.signal,
  });
  if (answer.undelivered !== undefined) left.signal.addEventListener("abort", answer.undelivered, { once: true });
  send(request, response, answer, settings, app.isClosing || !request.complete);
}

/**
 * Answers. A connection whose request was not read to its end cannot carry another one. It is closed when the client has sent
 * the rest, unless that takes too long: if it were closed before, a client that reads no answer until it has sent its body
 * would get an error of the connection in place of the answer.
 */
function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers, body }: ServeAnswer,
  { bodyTimeoutMs, clock }: Pick<ServeSettings, "bodyTimeoutMs" | "clock">,
  isLast: boolean,
): void {
  const length = { "Content-Length": String(new TextEncoder().encode(body).byteLength) };
  if (response.destroyed) return;
  response.writeHead(status, { ...headers, ...length, ...(isLast ? { Connection: "close" } : {}) });
  const content = request.method === "HEAD" ? "" : body;
  if (!isLast || request.complete || status === TOO_SLOW) return void response.end(content);
  response.write(content);
  const end = () => {
    timer.cancel();
    response.end();
  };
  const timer = clock.schedule(clock.nowUs() + bodyTimeoutMs * 1_000, end, { background: true });
  request.once("end", end).once("close", end).once("error", end).resume();
}

async function listen(server: Server, { host, port, socketPath }: ServeSettings): Promise<string> {
  if (socketPath !== undefined) await freeSocket(socketPath);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    const listening = () => {
      server.off("error", reject);
      resolve();
    };
    if (socketPath === undefined) server.listen(port, host, listening);
    else server.listen(socketPath, listening);
  });
  if (socketPath !== undefined) {
    await chmod(socketPath, 0o660);
    return socketPath;
  }
  const { address, family, port: taken } = server.address() as AddressInfo;
  return `http://${family === "IPv6" ? `[${address}]` : address}:${taken}`;
}
