/**
 * Measures, against a Redis of its own: `npm run bench`. Prints a table; the first row is what the others compare to.
 *
 * @module
 */

import process from "node:process";

import { measureRoundTrips } from "../bench/round_trip.ts";
import { obtainRedis } from "./redis/obtain.ts";

const redis = await obtainRedis();
try {
  const rows = await measureRoundTrips(redis.url);
  const [bare] = rows;
  console.log(`Node ${process.versions.node}\n`);
  console.log("| one call at a time | p50 µs | p99 µs | p50 / bare | script calls | Redis µs a call |");
  console.log("| --- | --- | --- | --- | --- | --- |");
  for (const { what, p50Us, p99Us, scriptsPerCall, redisUs } of rows) {
    const ratio = (p50Us / (bare?.p50Us ?? NaN)).toFixed(2);
    const figures = [p50Us.toFixed(0), p99Us.toFixed(0), ratio, scriptsPerCall.toFixed(2), redisUs.toFixed(1)];
    console.log(`| ${[what, ...figures].join(" | ")} |`);
  }
} finally {
  await redis.stop();
}
