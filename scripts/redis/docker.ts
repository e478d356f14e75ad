/**
 * A Redis in a container, where a Docker engine answers.
 *
 * @module
 */

import type { Unavailable } from "../_apt.ts";
import type { TestRedis } from "./test_redis.ts";

const IMAGE = "redis:7-alpine";
const PORT = 6379;

/** Starts a container, which testcontainers removes even when this process is killed. */
export async function startInDocker(): Promise<TestRedis | Unavailable> {
  try {
    const { GenericContainer } = await import("testcontainers");
    const container = await new GenericContainer(IMAGE)
      .withExposedPorts(PORT)
      .withCommand(["redis-server", "--save", "", "--appendonly", "no"])
      .start();
    return {
      url: `redis://${container.getHost()}:${container.getMappedPort(PORT)}`,
      origin: `${IMAGE} in Docker`,
      async clear(): Promise<void> {
        await container.exec(["redis-cli", "FLUSHALL"]);
      },
      async stop(): Promise<void> {
        await container.stop();
      },
    };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}
