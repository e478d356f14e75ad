import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { freePort } from "../../../../scripts/_free_port.ts";
import { createRateSync, type RedisStoreOptions } from "../../../../mod.ts";
import { TemporaryFolder } from "../../../../scripts/_temporary.ts";
import { startWorker } from "../../../_support/processes.ts";
import { freshPrefix, redisUrl } from "../../../_support/redis.ts";
import { Authority } from "../_certificates.ts";
import { startRedis } from "../_servers.ts";
import { startCluster, startSentinels } from "../_topologies.ts";

/** How long after its last line a script may take to end. It would never end before, so this only has to be bounded. */
const END_MS = 5_000;

interface Place extends AsyncDisposable {
  readonly store: RedisStoreOptions;
}

const PLACES: readonly [name: string, open: () => Promise<Place>][] = [
  ["one Redis", () => Promise.resolve({ store: { url: redisUrl() }, [Symbol.asyncDispose]: () => Promise.resolve() })],
  ["Redis over TLS", async () => {
    const folder = new TemporaryFolder("process-end");
    const authority = new Authority(folder.path, "authority");
    authority.sign("server", { name: "IP:127.0.0.1" });
    const port = await freePort();
    const files = { cert: "server.pem", key: "server.key", "ca-cert": "authority.pem" };
    const args = Object.entries(files).flatMap(([name, file]) => [`--tls-${name}-file`, authority.path(file)]);
    const server = await startRedis("--tls-port", String(port), ...args, "--tls-auth-clients", "no");
    const tlsCa = readFileSync(authority.path("authority.pem"), "utf8");
    return {
      store: { url: `rediss://127.0.0.1:${port}`, tlsCa },
      async [Symbol.asyncDispose]() {
        await server.stop();
        folder[Symbol.dispose]();
      },
    };
  }],
  ["a Redis Cluster", async () => {
    const cluster = await startCluster();
    return { store: { cluster: cluster.urls }, [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose]() };
  }],
  ["Redis behind Sentinels", async () => {
    const sentinels = await startSentinels();
    const { urls, masterName } = sentinels;
    return { store: { sentinels: urls, masterName }, [Symbol.asyncDispose]: () => sentinels[Symbol.asyncDispose]() };
  }],
];

const ENDS: readonly [act: string, when: string][] = [
  ["connect", "has only connected"],
  ["decide", "has decided once"],
  ["hold", "holds a permit that it has not released"],
  ["drain", "drains a permit that nothing can release any more"],
  ["listen", "has waited for a permit, and still listens"],
];

for (const [name, open] of PLACES) {
  describe(`A script on ${name} without a close() at its end`, () => {
    let place: Place;
    before(async () => {
      place = await open();
    });
    after(() => place[Symbol.asyncDispose]());

    const start = (act: string, keyPrefix = freshPrefix()) =>
      startWorker("stores/redis/closing/process_end_worker", [JSON.stringify({ ...place.store, keyPrefix }), act]);

    for (const [act, when] of ENDS) {
      it(`ends by itself when it ${when}`, async () => {
        await using worker = start(act);
        assert.equal(await worker.readLine(), "end");
        const exit = await Promise.race([worker.exited, sleep(END_MS, undefined, { ref: false })]);
        assert.deepEqual({ code: exit?.code, stderr: exit?.stderr }, { code: 0, stderr: "" });
      });
    }

    it("ends after a release that it does not wait for has reached Redis", async () => {
      const keyPrefix = freshPrefix();
      await using worker = start("release", keyPrefix);
      const { code } = await worker.exited;
      assert.equal(code, 0);
      await using rs = createRateSync({
        stores: { main: { engine: "redis", ...place.store, keyPrefix } },
        limiters: { slot: { maxConcurrent: 1, leaseTtlMs: 60_000 } },
      });
      assert.ok((await rs.tryAcquire("slot")).allowed, "the permit was not given back");
    });

    it("goes on while it waits for a permit that another process holds", async () => {
      const keyPrefix = freshPrefix();
      await using rs = createRateSync({
        stores: { main: { engine: "redis", ...place.store, keyPrefix } },
        limiters: { slot: { maxConcurrent: 1, leaseTtlMs: 60_000 } },
      });
      const permit = await rs.acquire("slot");
      await using worker = start("wait", keyPrefix);
      assert.equal(await worker.readLine(), "end");
      await sleep(1_000);
      await permit.release();
      assert.equal(await worker.readLine(), "served");
      assert.equal((await worker.exited).code, 0);
    });
  });
}
