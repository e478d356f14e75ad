/**
 * A process with a default instance of its own: it does one thing, in the working directory that it was given, and
 * prints what came of it as JSON.
 *
 * @module
 */

import process from "node:process";

const [what = "", directory = ".", config] = process.argv.slice(2);
process.chdir(directory);
if (config === undefined) delete process.env["RATE_SYNC_CONFIG"];
else process.env["RATE_SYNC_CONFIG"] = config;
process.on("unhandledRejection", (reason) => {
  console.log(JSON.stringify({ unhandled: String(reason) }));
  process.exit(1);
});

const ratesync = await import("../../mod.ts");

const subscribe = () => ratesync.subscribe("api", () => {});

/** What is done, by name. */
const ACTS: Record<string, () => Promise<unknown>> = {
  async limits() {
    const limits: Record<string, number> = {};
    await ratesync.check().catch(() => {}); // reads the file, if there is one
    for (const [id, { policy }] of Object.entries(ratesync.listLimiters())) limits[id] = policy.capacity;
    return limits;
  },
  acquire: async () => (await ratesync.tryAcquire("api")).limit,
  async everyVerb() {
    const codes: string[] = [];
    const calls = [
      ratesync.acquire("api"),
      ratesync.tryAcquire("api"),
      ratesync.peek("api"),
      ratesync.reserve("api"),
      ratesync.acquireAll([{ limiter: "api" }]),
      ratesync.tryAcquireAll([{ limiter: "api" }]),
      ratesync.run("api", () => 1),
      ratesync.rateLimited(() => 1, { limiter: "api" })(),
      ratesync.reset("api"),
      ratesync.refund("api", 1),
      ratesync.penalize("api", 1),
      ratesync.block("api", 1),
    ];
    for (const outcome of await Promise.allSettled(calls)) {
      codes.push(outcome.status === "rejected" ? `${outcome.reason.code}: ${outcome.reason.message}` : "fulfilled");
    }
    for (const call of [() => ratesync.limiter("api"), () => ratesync.metrics("api"), subscribe]) {
      try {
        codes.push(typeof call());
      } catch (error) {
        const { code, message } = error as Error & { code?: string };
        codes.push(`${code}: ${message}`);
      }
    }
    return [...new Set(codes)];
  },
  async looks() {
    const outcomes = await Promise.allSettled([ratesync.connect(), ratesync.check(), ratesync.loadConfig()]);
    return [...new Set(outcomes.map((one) => one.status === "rejected" ? one.reason.message : "fulfilled"))];
  },
  early: () => Promise.resolve(ratesync.listLimiters()),
  async check() {
    await ratesync.tryAcquire("api", { key: "a" });
    const { ok, engine, keyCount } = await ratesync.check();
    return { ok, engine, keyCount };
  },
  async inCode() {
    ratesync.configureLimiter("api", { limit: 9, windowMs: 60_000 });
    return (await ratesync.tryAcquire("api")).limit;
  },
  async again() {
    const first = (await ratesync.tryAcquire("api")).remaining;
    await ratesync.close();
    return [first, (await ratesync.tryAcquire("api")).remaining];
  },
};

try {
  console.log(JSON.stringify({ value: await ACTS[what]?.() }));
} catch (error) {
  const { name, code, message } = error as Error & { code?: string };
  console.log(JSON.stringify({ name, code, message }));
}
