import { readFileSync } from "node:fs";

import { freePort } from "../../../../scripts/_free_port.ts";
import { TemporaryFolder } from "../../../../scripts/_temporary.ts";
import { redisUrl } from "../../../_support/redis.ts";
import { Authority } from "../_certificates.ts";
import { startRedis } from "../_servers.ts";
import { describeEnds, describeSilentEnd } from "../../../_support/process_end.ts";

describeEnds(
  "one Redis",
  () =>
    Promise.resolve({ store: { engine: "redis", url: redisUrl() }, [Symbol.asyncDispose]: () => Promise.resolve() }),
);

describeEnds("Redis over TLS", async () => {
  const folder = new TemporaryFolder("process-end");
  const authority = new Authority(folder.path, "authority");
  authority.sign("server", { name: "IP:127.0.0.1" });
  const port = await freePort();
  const files = { cert: "server.pem", key: "server.key", "ca-cert": "authority.pem" };
  const args = Object.entries(files).flatMap(([name, file]) => [`--tls-${name}-file`, authority.path(file)]);
  const server = await startRedis("--tls-port", String(port), ...args, "--tls-auth-clients", "no");
  const tlsCa = readFileSync(authority.path("authority.pem"), "utf8");
  return {
    store: { engine: "redis", url: `rediss://127.0.0.1:${port}`, tlsCa },
    async [Symbol.asyncDispose]() {
      await server.stop();
      folder[Symbol.dispose]();
    },
  };
});

describeSilentEnd("redis");
