/**
 * Uses a connection and closes it; must then end by itself. Arguments: the URL, and `idle` for a Redis that cannot be
 * reached.
 *
 * @module
 */

import process from "node:process";

import { openNodeRedis } from "../../../../src/stores/redis/connections/node_redis.ts";
import { scriptOf } from "../_servers.ts";

const [url = "", mode] = process.argv.slice(2);
const connection = openNodeRedis({ url });
if (mode === "idle") {
  // Neither the pause after a failed attempt nor anything else may keep the process.
  await connection.connect().catch((error) => console.log(error.code));
} else {
  await connection.subscribe("worker", () => {}, () => {});
  console.log(await connection.run(scriptOf("return 'ran'"), [], []));
  await connection.close();
}
