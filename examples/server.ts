/**
 * A server that answers ten requests in ten seconds to each address, on Node, Deno and Bun.
 *
 *     npm start
 *     for i in $(seq 15); do curl -s -o /dev/null -w '%{http_code}\n' http://127.0.0.1:3000/; done
 *     curl -i http://127.0.0.1:3000/
 *
 * The limit is in rate-sync.toml. Several of these servers share it when they share a Redis, a NATS server or a PostgreSQL:
 *
 *     REDIS_URL=redis://localhost:6379 PORT=3001 npm start
 *     NATS_URL=nats://localhost:4222 PORT=3001 npm start
 *     DATABASE_URL=postgres://postgres@localhost:5432/postgres PORT=3001 npm start
 *
 * @module
 */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import process from "node:process";

import { check, close, connect, listStores, loadConfig } from "@ratesync/core";
import { guardHandler } from "@ratesync/core/http/node";

/** What people call the stores that servers share. */
const TITLES: Readonly<Record<string, string>> = { redis: "Redis", nats: "NATS", postgres: "PostgreSQL" };

await loadConfig("rate-sync.toml");
const kept = await whereLimitsAreKept();

const host = "127.0.0.1";
const port = Number(process.env["PORT"] ?? 3000);
const server = createServer(guardHandler(answer, { limiter: "api", skip: ({ path }) => path !== "/" }));

server.on("error", async (error: NodeJS.ErrnoException) => {
  const reason = error.code === "EADDRINUSE" ? "the port is in use, PORT=3001 chooses another" : error.message;
  console.error(`Cannot listen on http://${host}:${port}: ${reason}`);
  await close();
  process.exit(1);
});
server.listen(port, host, () => console.log(`Listening on http://${host}:${port}/ (limits kept in ${kept})`));

let stopping = false;
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, stop);

/** Without the store, the server starts all the same: limits are then kept in its memory, until the store is there. */
async function whereLimitsAreKept(): Promise<string> {
  const [store] = Object.values(listStores());
  const title = TITLES[store?.engine ?? "memory"];
  if (store === undefined || title === undefined) return "memory, for this server alone";
  try {
    await connect();
    return `${title} at ${store.url}, shared with every server that uses it`;
  } catch (error) {
    return `memory, for this server alone, until ${title} can decide: ${(error as Error).message}`;
  }
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [path] = request.url?.split("?") ?? [];
  if (path === "/health") await sendHealth(response);
  else if (path === "/") sendJson(response, 200, { hello: "world" });
  else sendJson(response, 404, { error: "not found" });
}

/** Whether the store decides now, or each server by itself; and what is wrong with it. */
async function sendHealth(response: ServerResponse): Promise<void> {
  const { ok, engine, problems } = await check();
  const decidedBy = ok ? engine : "memory";
  sendJson(response, ok ? 200 : 503, { ok, decidedBy, problems: problems.map(({ message }) => message) });
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "Content-Type": "application/json" }).end(`${JSON.stringify(body)}\n`);
}

/** Takes no new connection, gives running answers a second to finish, and leaves nothing open. */
async function stop(): Promise<void> {
  if (stopping) return; // npm passes on a Ctrl-C that the terminal has sent to all
  stopping = true;
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeIdleConnections();
  setTimeout(() => server.closeAllConnections(), 1_000); // also one whose answer had just ended: Deno keeps that open
  await closed;
  await close();
  process.exit(0);
}
