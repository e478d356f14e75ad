/**
 * `GET /metrics`: the metrics of the instance for Prometheus, if `prom-client` is installed.
 *
 * @module
 */

import type { RateSync } from "../registry/rate_sync.ts";
import { collectMetrics, type MetricsRegister } from "../telemetry/prometheus/mod.ts";
import { Problem } from "./problem.ts";

/** What is used of `prom-client`. */
interface PromClient {
  readonly Registry: new () => MetricsRegister & { readonly contentType: string; metrics(): Promise<string> };
}

/** A page of metrics. */
export interface MetricsPage {
  readonly contentType: string;
  readonly text: string;
}

/** The metrics of an instance. Nothing is collected before the first page. */
export class Metrics {
  readonly #rs: RateSync;
  #register: Promise<InstanceType<PromClient["Registry"]>> | undefined;
  #stop: (() => void) | undefined;

  constructor(rs: RateSync) {
    this.#rs = rs;
  }

  /**
   * The page.
   *
   * @throws {Problem} If `prom-client` is not installed.
   */
  async page(): Promise<MetricsPage> {
    const register = await (this.#register ??= this.#collect());
    return { contentType: register.contentType, text: await register.metrics() };
  }

  /** Ends the collection. */
  close(): void {
    this.#stop?.();
  }

  async #collect(): Promise<InstanceType<PromClient["Registry"]>> {
    const { Registry } = await promClient();
    const register = new Registry();
    this.#stop = collectMetrics({ register, rateSync: this.#rs });
    return register;
  }
}

async function promClient(): Promise<PromClient> {
  // A name that bundlers and registries cannot follow: the package is the user's own, or is not there.
  const name = "prom-client";
  try {
    const loaded: PromClient & { readonly default?: PromClient } = await import(name);
    return loaded.default ?? loaded;
  } catch {
    throw new Problem("METRICS_MISSING", "Install the npm package prom-client beside this one to have metrics");
  }
}
