/**
 * A cost that is known only afterwards: a language model with 1 000 tokens a minute. Each call takes an estimate first
 * and settles what it really used; what was taken too much serves the next call.
 *
 *     npx bun examples/tokens.ts
 *
 * On Node: `npm run build`, then `node dist/examples/tokens.js`.
 *
 * @module
 */

import { createRateSync, RateLimitedError } from "@ratesync/core";

await using rs = createRateSync({
  limiters: { tokens: { algorithm: "sliding_window", limit: 1_000, windowMs: 60_000 } },
});

for (const used of [150, 420, 300, 90]) await ask(used);

/** One call: it takes 400, uses `used`. */
async function ask(used: number): Promise<void> {
  try {
    const reservation = await rs.reserve("tokens", { cost: 400, timeoutMs: 0 });
    await reservation.ready(); // with a longer timeout, its instant may lie ahead
    await reservation.settle(used);
    const { remaining } = await rs.peek("tokens");
    console.log(`took 400, used ${used}: ${remaining} of 1000 left`);
  } catch (error) {
    if (!(error instanceof RateLimitedError)) throw error;
    console.log(`400 are not there: try again in ${Math.ceil(error.retryAfterMs / 1_000)} s`);
  }
}
