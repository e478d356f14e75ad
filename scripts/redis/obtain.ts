/**
 * A Redis to test against, from wherever this machine can get one. Never a mock.
 *
 * @module
 */

import process from "node:process";

import { installWithApt } from "../_apt.ts";
import { startInDocker } from "./docker.ts";
import { findServer, startServer } from "./server.ts";
import type { TestRedis } from "./test_redis.ts";

/**
 * Takes the first there is: the given URL, a server on the PATH, Docker, a Debian package.
 *
 * @throws {Error} If there is none; the message names the four ways.
 */
export async function obtainRedis(): Promise<TestRedis> {
  const url = process.env["RATESYNC_TEST_REDIS_URL"];
  if (url) return { url, origin: "the one of RATESYNC_TEST_REDIS_URL", clear: async () => {}, stop: async () => {} };

  const server = findServer();
  if (server) return await startServer(server);

  const docker = await startInDocker();
  if ("url" in docker) return docker;

  const apt = await installWithApt();
  const installed = findServer();
  if (installed) return await startServer(installed);

  throw new Error(`Cannot find a Redis to test against. Any one of these will do:
  1. RATESYNC_TEST_REDIS_URL=redis://host:port, a Redis whose data may be thrown away
  2. redis-server on the PATH
  3. a Docker engine that answers (${docker.problem})
  4. root on Debian, to install redis-server with apt-get (${apt.problem})`);
}
