/**
 * Ports for servers that are started here.
 *
 * @module
 */

import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

/** Below the ports that systems give to outgoing connections, and low enough for the second port of a cluster node. */
const FIRST_PORT = 10_000;
const PORTS = 12_000;

/**
 * A loopback port that nothing listens on. The system's own choice would be one of those that it gives to the next
 * outgoing connection, so that a server which starts a moment later may find it taken.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST_PORT + randomInt(PORTS);
    const probe = createServer().listen(port, "127.0.0.1");
    try {
      await once(probe, "listening");
    } catch {
      continue; // another program listens there
    }
    probe.close();
    await once(probe, "close");
    return port;
  }
}
