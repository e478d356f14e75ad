import { after, before, describe, it } from "node:test";

import { TemporaryFolder } from "../../../../scripts/_temporary.ts";
import { createRedisStore } from "../../../../src/stores/redis/mod.ts";
import { storeConformance } from "../../../../src/testing/mod.ts";
import { freshPrefix } from "../../../_support/redis.ts";
import { Authority } from "../_certificates.ts";
import { startTls, type TlsRedis } from "./_tls_servers.ts";

describe("storeConformance() on a Redis with TLS that wants a certificate", () => {
  const folder = new TemporaryFolder("tls-conformance");
  const authority = new Authority(folder.path, "authority");
  let redis: TlsRedis;
  before(async () => {
    authority.sign("server", { name: "IP:127.0.0.1" });
    authority.sign("client", { name: "DNS:client.test" });
    redis = await startTls(authority, "server", "yes");
  });
  after(async () => {
    await redis?.server[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  const cases = storeConformance({
    open({ clock }) {
      const [tlsCa, tlsCert, tlsKey] = ["authority.pem", "client.pem", "client.key"].map((file) =>
        authority.read(file)
      );
      const identity = { tlsCa: tlsCa as string, tlsCert: tlsCert as string, tlsKey: tlsKey as string };
      return createRedisStore({ url: redis.url, ...identity, keyPrefix: freshPrefix(), timingMarginMs: 60_000 }, {
        testClock: clock,
      });
    },
  });
  for (const { name, run } of cases) it(name, run);
});
