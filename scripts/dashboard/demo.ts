/**
 * Instances on one Redis as a fleet, and a server with their dashboard: for tests and pictures.
 *
 * @module
 */

import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { createRateSync, type RateSync } from "../../mod.ts";
import { createDashboard, type Dashboard, type DashboardOptions } from "../../src/dashboard/mod.ts";

/** The limiters of the fleet. */
export type Demo = RateSync<"api" | "login" | "upload">;

/** An instance on a Redis. `limit`: of the limiter `login`. */
export function newDemo(url: string, keyPrefix: string, limit = 5): Demo {
  const store = "shared";
  return createRateSync({
    logger: false, // some differ on purpose
    stores: { [store]: { engine: "redis", url, keyPrefix } },
    limiters: {
      api: { store, ratePerSecond: 50, burst: 100 },
      login: { store, algorithm: "sliding_window", limit, windowMs: 300_000 },
      upload: { store, maxConcurrent: 3 },
    },
  });
}

/** A server of `node:http` that can be stopped, and started again at the same port. */
export class DemoServer implements AsyncDisposable {
  readonly dashboards: readonly Dashboard[];
  #server: Server | undefined;
  #port = 0;

  /** Each dashboard has the base path of its options. */
  constructor(rs: RateSync<string>, options: readonly DashboardOptions[]) {
    this.dashboards = options.map((each) => createDashboard(rs, each));
    this.#paths = options.map(({ basePath = "" }) => basePath);
  }

  readonly #paths: readonly string[];

  /** Where it listens. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Listens. */
  async start(): Promise<void> {
    const server = this.#server = createServer((request, response) => {
      const at = this.#paths.findIndex((path) => request.url?.startsWith(path));
      void this.dashboards[at]?.node(request, response);
    });
    server.listen(this.#port, "127.0.0.1");
    await once(server, "listening");
    this.#port = (server.address() as AddressInfo).port;
  }

  /** Ends all connections. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  }

  /** Stops, and ends the dashboards. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const dashboard of this.dashboards) dashboard.close();
    await this.stop();
  }
}
