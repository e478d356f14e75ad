/**
 * Metrics for Prometheus, in a registry of `prom-client`.
 *
 * @example A page that Prometheus reads
 * ```ts
 * import { createServer } from "node:http";
 * import { createRateSync } from "@ratesync/core";
 * import { collectMetrics } from "@ratesync/core/prometheus";
 * import { register } from "prom-client";
 *
 * const rateSync = createRateSync({ limiters: { api: { ratePerSecond: 100 } } });
 * collectMetrics({ rateSync, register });
 *
 * createServer(async (_request, response) => {
 *   response.setHeader("Content-Type", register.contentType);
 *   response.end(await register.metrics());
 * }).listen(3000);
 * ```
 *
 * @module
 */

import { ConfigError } from "../../base/errors.ts";
import { show } from "../../base/text.ts";
import { rejectUnknownOptions } from "../../base/unknown_options.ts";
import type { RateSync } from "../../registry/rate_sync.ts";
import { ATTRIBUTES } from "../instruments.ts";
import { Collector } from "./collector.ts";
import { Scrape, type ScrapedMetric } from "./scrape.ts";

/** What is used of a registry of `prom-client`. */
export interface MetricsRegister {
  /** Adds a metric. */
  registerMetric(metric: never): void;
  /** The metric of a name. */
  getSingleMetric(name: string): unknown;
  /** Removes the metric of a name. */
  removeSingleMetric(name: string): void;
}

/** What to collect, and where to. */
export interface CollectMetricsOptions {
  /** The registry of `prom-client`: its `register`, or one that you made. */
  readonly register: MetricsRegister;
  /** The instance whose metrics these are. @default the default instance */
  readonly rateSync?: RateSync;
  /**
   * Labels of all of its metrics, to tell several instances of a process apart. Without any, their values add up.
   * @default none
   */
  readonly labels?: Readonly<Record<string, string>>;
}

/** The metrics in each registry. */
const scrapes = new WeakMap<MetricsRegister, Scrape>();

/**
 * Adds the metrics of an instance to a registry of `prom-client`. They are read when the registry is. Several instances may
 * use one registry.
 *
 * @returns Removes them.
 * @throws {ConfigError} If an option is missing, unknown or cannot be used.
 */
export function collectMetrics(options: CollectMetricsOptions): () => void {
  const { register, rateSync, labels = {} } = checked(options);
  const collector = new Collector(rateSync, labels);
  const scrape = scrapes.get(register) ?? new Scrape();
  scrapes.set(register, scrape);
  scrape.collectors.add(collector);
  for (const metric of scrape.metrics) {
    // Another clear() of the registry may have removed them.
    if (register.getSingleMetric(metric.name) !== metric) add(register, metric);
  }
  return () => {
    collector.stop();
    if (!scrape.collectors.delete(collector) || scrape.collectors.size > 0) return;
    for (const metric of scrape.metrics) {
      if (register.getSingleMetric(metric.name) === metric) register.removeSingleMetric(metric.name);
    }
  };
}

function add(register: MetricsRegister, metric: ScrapedMetric): void {
  // prom-client types its metrics as classes with private members. It calls `get` of them and reads their names.
  register.registerMetric(metric as unknown as never);
}

function checked(options: CollectMetricsOptions): CollectMetricsOptions {
  if (typeof options !== "object" || options === null) fail("", "options with a register of prom-client", options);
  rejectUnknownOptions(options, ["register", "rateSync", "labels"]);
  const { register, labels = {} } = options;
  if (typeof register?.registerMetric !== "function" || typeof register.getSingleMetric !== "function") {
    fail("register", "a Registry of prom-client, such as its register", register);
  }
  if (typeof labels !== "object" || labels === null) fail("labels", "an object of strings", labels);
  for (const [name, value] of Object.entries(labels)) {
    if (!/^(?!__)[a-z_]\w*$/i.test(name) || Object.hasOwn(ATTRIBUTES, name) || name === "le") {
      fail("labels", "names of letters, digits and _ that no metric has itself", name);
    }
    if (typeof value !== "string") fail(`labels.${name}`, "a string", value);
  }
  return options;
}

function fail(path: string, expected: string, received: unknown): never {
  throw new ConfigError({ path, expected, received: show(received) });
}
