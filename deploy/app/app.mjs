/**
 * A server with a limit for each address, a page of metrics for Prometheus, and a health check.
 *
 * The limit is in rate-sync.toml. The page of metrics has a port of its own, so that no client of the server sees it.
 */

import { createServer } from "node:http";
import process from "node:process";

import { check, close, loadConfig } from "@ratesync/core";
import { guardHandler } from "@ratesync/core/http/node";
import { collectMetrics } from "@ratesync/core/prometheus";
import { register } from "prom-client";

const port = Number(process.env.PORT ?? 8080);
const metricsPort = Number(process.env.METRICS_PORT ?? 3000);
const host = process.env.HOST ?? "127.0.0.1";

await loadConfig(new URL("rate-sync.toml", import.meta.url).pathname);
collectMetrics({ register });

const server = createServer(guardHandler((_request, response) => {
  response.writeHead(200, { "Content-Type": "text/plain" }).end("hello\n");
}, { limiter: "api" }));

const inside = createServer(async ({ url }, response) => {
  if (url === "/metrics") {
    response.writeHead(200, { "Content-Type": register.contentType }).end(await register.metrics());
  } else if (url === "/health") {
    const { ok, problems } = await check();
    const body = JSON.stringify({ ok, problems: problems.map(({ message }) => message) });
    response.writeHead(ok ? 200 : 503, { "Content-Type": "application/json" }).end(`${body}\n`);
  } else response.writeHead(404).end();
});

server.listen(port, host, () => console.log(`Listening on ${host}:${server.address().port}`));
inside.listen(metricsPort, host, () => console.log(`Metrics on ${host}:${inside.address().port}`));

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, async () => {
    for (const one of [server, inside]) one.close();
    await close({ drain: true, timeoutMs: 5_000 });
    process.exit(0);
  });
}
