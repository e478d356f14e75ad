/**
 * Every bench by its name, in the order in which they run.
 *
 * @module
 */

import type { Bench } from "./_report.ts";
import { bytes } from "./bytes.ts";
import { cluster } from "./cluster.ts";
import { concurrency } from "./concurrency.ts";
import { growthConcurrency } from "./growth_concurrency.ts";
import { growthKeys } from "./growth_keys.ts";
import { growthLimits } from "./growth_limits.ts";
import { growthWaiters } from "./growth_waiters.ts";
import { growthWindow } from "./growth_window.ts";
import { hotKey } from "./hot_key.ts";
import { http } from "./http.ts";
import { httpRedis } from "./http_redis.ts";
import { imports } from "./imports.ts";
import { lone } from "./lone.ts";
import { memory } from "./memory.ts";
import { nats } from "./nats.ts";
import { observe } from "./observe.ts";
import { outage } from "./outage.ts";
import { permits } from "./permits.ts";
import { postgresBench } from "./postgres.ts";
import { redisCpu } from "./redis_cpu.ts";
import { simulate } from "./simulate.ts";
import { start } from "./start.ts";
import { throughput } from "./throughput.ts";
import { walk } from "./walk.ts";

export {
  type Bench,
  type BenchContext,
  type Claim,
  claimsText,
  figure,
  type Report,
  reportText,
  type Row,
  tableText,
  yardstick,
  yardsticksText,
} from "./_report.ts";

/** The benches. */
export const BENCHES: Readonly<Record<string, Bench>> = {
  throughput,
  hot_key: hotKey,
  lone,
  redis_cpu: redisCpu,
  postgres: postgresBench,
  cluster,
  concurrency,
  permits,
  nats,
  outage,
  walk,
  memory,
  observe,
  simulate,
  http,
  http_redis: httpRedis,
  imports,
  start,
  bytes,
  growth_keys: growthKeys,
  growth_concurrency: growthConcurrency,
  growth_limits: growthLimits,
  growth_window: growthWindow,
  growth_waiters: growthWaiters,
};
