/**
 * A TCP proxy on loopback that can end its connections, as a server or a load balancer ends idle ones.
 *
 * @module
 */

import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A running proxy. */
export interface CuttableProxy extends AsyncDisposable {
  /** The URL of the Redis behind it. */
  readonly url: string;
  /** Ends every connection. New ones are accepted. */
  cut(): void;
}

/** Starts a proxy in front of a Redis. */
export async function cuttableProxy(redisUrl: string): Promise<CuttableProxy> {
  const target = new URL(redisUrl);
  const clients = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(Number(target.port || 6379), target.hostname);
    clients.add(client);
    for (const socket of [client, upstream]) socket.on("error", () => socket.destroy());
    client.on("close", () => {
      clients.delete(client);
      upstream.destroy();
    });
    upstream.on("close", () => client.destroy());
    client.pipe(upstream).pipe(client);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = new URL(redisUrl);
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: url.href,
    cut: () => {
      for (const client of clients) client.end();
    },
    [Symbol.asyncDispose]: async () => {
      for (const client of clients) client.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
