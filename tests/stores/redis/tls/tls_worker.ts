/**
 * Is refused by a server that wants a client certificate, many times; must outlive that. Arguments: the URL, and the
 * path of the authority's certificate.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import process from "node:process";

import { createRedisStore } from "../../../../src/stores/redis/mod.ts";

const [url = "", authority = ""] = process.argv.slice(2);
const tlsCa = readFileSync(authority, "utf8");
for (let i = 0; i < 20; i++) {
  const store = createRedisStore({ url, tlsCa });
  await store.connect().catch((error) => console.log(error.code));
  await store.close();
}
