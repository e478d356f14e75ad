import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { startWorker } from "../../../_support/processes.ts";
import { freshPrefix, redisUrl } from "../../../_support/redis.ts";

describe("two servers in processes of their own, on one Redis", () => {
  for (const name of ["fetch", "node", "express", "express-rate-limit"]) {
    it(`answer exactly the limit between them: ${name}`, async () => {
      const args = [name, redisUrl(), freshPrefix()];
      await using first = startWorker("http/adapters/servers/server_worker", args);
      await using second = startWorker("http/adapters/servers/server_worker", args);
      const urls = [await first.readLine(), await second.readLine()];
      const statuses = await Promise.all(Array.from({ length: 120 }, async (_, i) => {
        const response = await fetch(urls[i % 2] as string);
        await response.text();
        return response.status;
      }));
      assert.equal(statuses.filter((status) => status === 200).length, 50);
      assert.equal(statuses.filter((status) => status === 429).length, 70);
    });
  }
});
