/**
 * A cluster of nats-servers on free loopback ports, so that streams can have replicas.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";

import { freePort } from "../_free_port.ts";
import { type NatsServer, startNats } from "./server.ts";

/** Some servers that know each other. Disposing it kills them. */
export interface NatsCluster extends AsyncDisposable {
  /** The servers. The name of the first is `n0`. */
  readonly servers: readonly NatsServer[];
  /** The URL of all of them. */
  readonly url: string;
}

/** Starts a cluster, and waits until it can keep streams. */
export async function startNatsCluster(size = 3): Promise<NatsCluster> {
  const routes = await Promise.all(Array.from({ length: size }, () => freePort()));
  const monitors = await Promise.all(Array.from({ length: size }, () => freePort()));
  const all = routes.map((port) => `nats://127.0.0.1:${port}`).join(", ");
  const servers = await Promise.all(routes.map((port, i) =>
    startNats({
      config: `server_name: n${i}\nhttp: 127.0.0.1:${monitors[i]}\n` +
        `cluster {\n  name: test\n  listen: 127.0.0.1:${port}\n  routes: [${all}]\n}`,
    })
  ));
  await hasLeader(monitors[0] as number, size);
  return {
    servers,
    url: `nats://${servers.map(({ port }) => `127.0.0.1:${port}`).join(",")}`,
    async [Symbol.asyncDispose]() {
      await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()));
    },
  };
}

/** Waits until the servers have agreed on who places streams. */
async function hasLeader(monitor: number, size: number): Promise<void> {
  for (let waitedMs = 0; waitedMs < 20_000; waitedMs += 50) {
    const answer = await fetch(`http://127.0.0.1:${monitor}/jsz`).then((response) => response.json(), () => ({}));
    const cluster = (answer as { meta_cluster?: { leader?: string; cluster_size?: number } }).meta_cluster;
    if (cluster?.leader && cluster.cluster_size === size) return;
    await sleep(50);
  }
  throw new Error("Cannot start a cluster of nats-servers: they have not agreed on a leader within 20 s");
}
