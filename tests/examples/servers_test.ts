import assert from "node:assert/strict";
import process from "node:process";
import { describe, it } from "node:test";

import { freePort } from "../../scripts/_free_port.ts";
import { startWorker } from "../_support/processes.ts";

/** Requests to an example, and how they are answered: `POST /path` with headers. */
interface Visit {
  readonly ask: string;
  readonly headers?: Record<string, string>;
  readonly statuses: readonly number[];
}

const FIVE_OF_SEVEN = [200, 200, 200, 200, 200, 429, 429];

const EXAMPLES: Readonly<Record<string, readonly Visit[]>> = {
  "http/node": [{ ask: "GET /", statuses: FIVE_OF_SEVEN }],
  "http/express": [
    { ask: "GET /", statuses: [200] },
    { ask: "POST /login", statuses: [401, 401, 401, 429] },
  ],
  "http/fastify": [
    { ask: "GET /search", statuses: [200, 200, 429] },
    { ask: "GET /health", statuses: [200] },
  ],
  "http/hono": [
    { ask: "GET /", headers: { "X-User": "ada" }, statuses: FIVE_OF_SEVEN },
    { ask: "GET /", statuses: [200] },
  ],
  "http/koa": [{ ask: "GET /", statuses: [200, 200, 200] }],
  "login_protection": [
    { ask: "POST /login?account=ada&password=secret", statuses: [200, 200, 200, 200] },
    { ask: "POST /login?account=ada&password=wrong", statuses: [401, 401, 401, 429] },
    { ask: "POST /login?account=Ada&password=secret", statuses: [429] },
    { ask: "POST /login?account=bob&password=secret", statuses: [200] },
  ],
  "plans": [
    { ask: "GET /", headers: { Authorization: "Bearer free-1" }, statuses: FIVE_OF_SEVEN },
    { ask: "GET /export", headers: { Authorization: "Bearer pro-1" }, statuses: FIVE_OF_SEVEN },
  ],
  "tenants": [{ ask: "GET /", headers: { "X-Tenant": "quiet" }, statuses: [200] }],
  "upload_server": [{ ask: "POST /", statuses: [200, 200, 200] }],
};

/** Examples for one runtime, and what others say to them. */
const OF_ONE_RUNTIME = {
  "http/deno": ["Deno", /\bDeno\b/],
  "http/bun": ["Bun", /\bBun\b/],
  "http/elysia": ["Bun", /\blisten\b/],
} as const;

/** Starts an example, and makes requests until one is not answered as it should be. */
async function tryOut(name: string, visits: readonly Visit[]): Promise<void> {
  const port = await freePort();
  process.env["PORT"] = `${port}`;
  await using example = startWorker(`../examples/${name}`);
  assert.match(await example.readLine(), new RegExp(`^Try: .*\\bcurl .*127\\.0\\.0\\.1:${port}/`));
  for (const { ask, headers = {}, statuses } of visits) {
    const [method = "", path] = ask.split(" ");
    const answers = [];
    for (const _ of statuses) {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, { method, headers });
      await response.text();
      answers.push(response.status);
    }
    assert.deepEqual(answers, statuses, ask);
  }
}

describe("the examples of servers", () => {
  for (const [name, visits] of Object.entries(EXAMPLES)) {
    it(`answer as they say: ${name}`, async () => await tryOut(name, visits));
  }

  for (const [name, [runtime, problem]] of Object.entries(OF_ONE_RUNTIME)) {
    it(`run on ${runtime} alone: ${name}`, async () => {
      if (runtime in globalThis) return await tryOut(name, [{ ask: "GET /", statuses: FIVE_OF_SEVEN }]);
      await using example = startWorker(`../examples/${name}`);
      const { code, stderr } = await example.exited;
      assert.notEqual(code, 0);
      assert.match(stderr, problem);
    });
  }
});
