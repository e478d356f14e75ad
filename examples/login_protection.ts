/**
 * Logins: ten failures in an hour for an address, three for an account, whichever comes first. Both limits are asked at
 * once, and a login that succeeds costs nothing.
 *
 *     npx bun examples/login_protection.ts
 *     for i in $(seq 5); do curl -i -X POST 'http://127.0.0.1:3000/login?account=ada&password=wrong'; done
 *     curl -i -X POST 'http://127.0.0.1:3000/login?account=bob&password=secret'
 *
 * On Node: `npm run build`, then `node dist/examples/login_protection.js`.
 *
 * @module
 */

import { createServer } from "node:http";
import process from "node:process";

import { createRateSync } from "@ratesync/core";
import { byIp, failuresOnly } from "@ratesync/core/http";
import { guardHandler } from "@ratesync/core/http/node";

const rateSync = createRateSync({
  limiters: {
    login_address: { algorithm: "sliding_window", limit: 10, windowMs: 3_600_000, onStoreError: "deny" },
    login_account: { algorithm: "sliding_window", limit: 3, windowMs: 3_600_000, onStoreError: "deny" },
  },
});

function parameter(url: string, name: string): string {
  return new URL(url, "http://localhost").searchParams.get(name) ?? "";
}

const port = Number(process.env["PORT"] ?? 3000);
createServer(guardHandler(
  (request, response) => {
    const isRight = parameter(request.url ?? "/", "password") === "secret";
    response.statusCode = isRight ? 200 : 401;
    response.end(isRight ? "welcome\n" : "wrong password\n");
  },
  {
    rateSync,
    limiter: [
      { limiter: "login_address", key: byIp() },
      // In lower case: else `Ada` and `ada` would have three tries each.
      { limiter: "login_account", key: ({ url }) => `account:${parameter(url, "account").toLowerCase()}` },
    ],
    settle: failuresOnly(),
  },
)).listen(port, "127.0.0.1", () => {
  const url = `http://127.0.0.1:${port}/login?account=ada&password=wrong`;
  console.log(`Try: for i in $(seq 5); do curl -i -X POST '${url}'; done`);
});
