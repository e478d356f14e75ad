/**
 * A server that answers ten requests in ten seconds to each address, on Node, Deno and Bun.
 *
 *     npm start
 *     for i in $(seq 15); do curl -s -o /dev/null -w '%{http_code}\n' http://127.0.0.1:3000/; done
 *
 * The limit is in rate-sync.toml. Several of these servers share it when they share a Redis:
 *
 *     REDIS_URL=redis://localhost:6379 PORT=3001 npm start
 *
 * @module
 */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import process from "node:process";

import { close, listStores, loadConfig, tryAcquire } from "@ratesync/core";

await loadConfig("rate-sync.toml");
const [store] = Object.values(await listStores());

const host = "127.0.0.1";
const port = Number(process.env["PORT"] ?? 3000);
const server = createServer((request, response) => {
  answer(request, response).catch((error) => {
    console.error(error);
    sendJson(response, 500, { error: "internal error" });
  });
});

server.on("error", async (error: NodeJS.ErrnoException) => {
  const reason = error.code === "EADDRINUSE" ? "the port is in use, PORT=3001 chooses another" : error.message;
  console.error(`Cannot listen on http://${host}:${port}: ${reason}`);
  await close();
  process.exit(1);
});
server.listen(port, host, () => {
  const kept = store?.engine === "redis"
    ? "Redis, shared with every server that uses it"
    : "memory, for this server alone";
  console.log(`Listening on http://${host}:${port}/ (limits kept in ${kept})`);
});

let stopping = false;
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, stop);

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [path] = request.url?.split("?") ?? [];
  if (path === "/health") return sendJson(response, 200, { ok: true });
  if (path !== "/") return sendJson(response, 404, { error: "not found" });

  const decision = await tryAcquire("api", { key: request.socket.remoteAddress ?? "unknown" });
  const { allowed, limit, remaining } = decision;
  if (allowed) return sendJson(response, 200, { limit, remaining });

  const seconds = Math.max(1, Math.ceil(decision.retryAfterMs / 1_000));
  response.setHeader("Retry-After", seconds);
  sendJson(response, 429, { error: "too many requests", limit, remaining, retryAfterSeconds: seconds });
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "Content-Type": "application/json" }).end(`${JSON.stringify(body)}\n`);
}

/** Takes no new connection, lets running answers finish, and leaves nothing open. */
async function stop(): Promise<void> {
  if (stopping) return; // npm passes on a Ctrl-C that the terminal has sent to all
  stopping = true;
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeIdleConnections();
  await closed;
  await close();
  process.exit(0);
}
