import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { mkdirSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { after, before, describe, it } from "node:test";
import { inspect } from "node:util";

import { ConfigError, createRateSync, type RedisStoreOptions, StoreError } from "../../../../mod.ts";
import { createRedisStore } from "../../../../src/stores/redis/mod.ts";
import { TemporaryFolder } from "../../../../scripts/_temporary.ts";
import { startWorker, type WorkerExit } from "../../../_support/processes.ts";
import { Authority } from "../_certificates.ts";
import { startTls, type TlsRedis } from "./_tls_servers.ts";

const PASSPHRASE = "open-sesame-s3cr3t";
const folder = new TemporaryFolder("tls");
/** It signs the servers of these tests, and the clients that they take. */
const authority = new Authority(folder.path, "authority");
const stranger = new Authority(folder.path, "stranger");
const pem = (file: string) => authority.read(file);

/** Nothing of what was given in secret may be in it: keys, passphrase. */
function assertHidesSecrets(text: string): void {
  const keys = ["client.key", "client.encrypted.key"].flatMap((file) => pem(file).split("\n").slice(1, -2));
  for (const secret of [PASSPHRASE, ...keys]) assert.ok(!text.includes(secret), text);
}

async function runWorker(args: readonly string[]): Promise<WorkerExit> {
  await using worker = startWorker("stores/redis/tls/tls_worker", args);
  return await worker.exited;
}

async function accepts(options: RedisStoreOptions): Promise<void> {
  const store = createRedisStore(options);
  try {
    await store.connect();
  } finally {
    await store.close();
  }
}

async function refuses(options: RedisStoreOptions, says: RegExp): Promise<void> {
  const store = createRedisStore(options);
  try {
    await assert.rejects(store.connect(), (error) => {
      assert.ok(error instanceof StoreError, inspect(error));
      assert.equal(error.code, "STORE_UNAVAILABLE");
      assert.match(error.message, /^Cannot reach Redis at rediss:\/\/127\.0\.0\.1:\d+\/0: /);
      assert.match(error.message, says);
      assertHidesSecrets(inspect(error, { depth: 5 }));
      return true;
    });
  } finally {
    await store.close();
  }
}

function contradicts(options: object, path: string, expected: RegExp, received: string): void {
  assert.throws(() => createRedisStore(options as RedisStoreOptions), (error) => {
    assert.ok(error instanceof ConfigError, inspect(error));
    assert.equal(error.path, path);
    assert.match(error.expected, expected);
    assert.equal(error.received, received);
    assertHidesSecrets(inspect(error));
    return true;
  });
}

/** The name in the extension `server_name` of a ClientHello (RFC 6066): type 0, and three lengths, before the name. */
function serverNameIn(hello: Buffer): string | undefined {
  for (const name of ["localhost", "redis.test"]) {
    const entry = Buffer.from([0, 0, 0, name.length + 5, 0, name.length + 3, 0, 0, name.length, ...Buffer.from(name)]);
    if (hello.includes(entry)) return name;
  }
  return undefined;
}

describe("A Redis with TLS", () => {
  let plain: TlsRedis;
  let strict: TlsRedis;
  let strict12: TlsRedis;
  let elsewhere: TlsRedis;
  let expired: TlsRedis;

  before(async () => {
    authority.sign("here", { name: "IP:127.0.0.1" });
    authority.sign("elsewhere", { name: "DNS:redis.test" });
    authority.sign("expired", { name: "IP:127.0.0.1", days: -1 });
    authority.sign("client", { name: "DNS:client.test" });
    authority.encrypt("client", PASSPHRASE);
    stranger.sign("strange", { name: "DNS:client.test" });
    plain = await startTls(authority, "here", "no");
    strict = await startTls(authority, "here", "yes");
    strict12 = await startTls(authority, "here", "yes", "--tls-protocols", "TLSv1.2");
    elsewhere = await startTls(authority, "elsewhere", "no");
    expired = await startTls(authority, "expired", "no");
  });
  after(async () => {
    for (const redis of [plain, strict, strict12, elsewhere, expired]) await redis?.server[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  const tlsCa = pem("authority.pem");
  const identity = () => ({ tlsCert: pem("client.pem"), tlsKey: pem("client.key") });

  it("is used when its authority is given, alone or among others", async () => {
    await accepts({ url: plain.url, tlsCa });
    await accepts({ url: plain.url, tlsCa: pem("stranger.pem") + tlsCa });
  });

  it("is refused when its authority is unknown, and the message asks for it", async () => {
    const says = /signed by an unknown authority: give the authority's certificate as tlsCa \(tls_ca_file\)/;
    await refuses({ url: plain.url }, says);
    await refuses({ url: plain.url, tlsCa: pem("stranger.pem") }, says);
  });

  it("is used unchecked only with tlsInsecure", async () => {
    for (const { url } of [plain, elsewhere, expired]) await accepts({ url, tlsInsecure: true });
    await refuses({ url: plain.url, tlsInsecure: false }, /unknown authority/);
  });

  it("gets the client's certificate if it requires one", async () => {
    for (const { url } of [strict, strict12]) await accepts({ url, tlsCa, ...identity() });
  });

  it("gets the client's certificate with an encrypted key", async () => {
    const tlsKey = pem("client.encrypted.key");
    await accepts({ url: strict.url, tlsCa, ...identity(), tlsKey, tlsKeyPassphrase: PASSPHRASE });
  });

  it("says that it wants a certificate when none is given", async () => {
    const says = /wants? a client certificate.*tlsCert/;
    await refuses({ url: strict.url, tlsCa }, says);
    await refuses({ url: strict12.url, tlsCa }, says);
  });

  it("does not end a process by wanting a certificate", async () => {
    // Its alert comes right after the handshake, when the driver may not be listening yet: it depends on the process.
    const args = [strict.url, authority.path("authority.pem")];
    for (const { code, stdout, stderr } of await Promise.all([1, 2, 3, 4].map(() => runWorker(args)))) {
      assert.equal(code, 0, stderr);
      assert.equal(stdout, "STORE_UNAVAILABLE\n".repeat(20));
    }
  });

  it("rejects a certificate of an unknown authority, and the message says so", async () => {
    const strange = { tlsCert: pem("strange.pem"), tlsKey: pem("strange.key") };
    await refuses({ url: strict.url, tlsCa, ...strange }, /client certificate/);
  });

  it("is not reached with a key of another certificate or the wrong passphrase", async () => {
    const says = /cannot be used|client certificate/;
    await refuses({ url: strict.url, tlsCa, ...identity(), tlsKey: pem("strange.key") }, says);
    const encrypted = { ...identity(), tlsKey: pem("client.encrypted.key"), tlsKeyPassphrase: "wrong-s3cr3t" };
    await refuses({ url: strict.url, tlsCa, ...encrypted }, says);
  });

  it("must have the name of the URL, or the one that is given", async () => {
    const says = /is for another host name: use that name in the URL, or give it as tlsServerName \(tls_server_name\)/;
    await refuses({ url: elsewhere.url, tlsCa }, says);
    await refuses({ url: elsewhere.url, tlsCa, tlsServerName: "other.test" }, says);
    await accepts({ url: elsewhere.url, tlsCa, tlsServerName: "redis.test" });
  });

  it("hears the name that the client looks for, which is the host of the URL or the one that is given", async () => {
    for (
      const [host, options, name] of [
        ["localhost", {}, "localhost"],
        ["localhost", { tlsServerName: "redis.test" }, "redis.test"],
        ["localhost", { tlsInsecure: true }, "localhost"],
        ["127.0.0.1", { tlsServerName: "redis.test" }, "redis.test"],
        ["127.0.0.1", {}, undefined],
      ] as const
    ) {
      let heard: Buffer | undefined;
      const server = createServer((socket) => {
        socket.on("error", () => {});
        socket.once("data", (hello: Buffer) => {
          heard ??= hello;
          socket.destroy();
        });
      });
      await new Promise<void>((resolve) => server.listen(0, resolve));
      const store = createRedisStore({ url: `rediss://${host}:${(server.address() as AddressInfo).port}`, ...options });
      try {
        await assert.rejects(store.connect(), StoreError);
      } finally {
        await store.close();
        server.close();
      }
      assert.equal(serverNameIn(heard ?? assert.fail("nothing came")), name, inspect([host, options]));
    }
  });

  it("is refused when its certificate has expired", async () => {
    await refuses({ url: expired.url, tlsCa }, /its certificate has expired: renew it/);
  });

  it("is distinguished from a server without TLS", async () => {
    await refuses({ url: `rediss://127.0.0.1:${plain.server.port}`, tlsCa, socketConnectTimeoutMs: 500 }, /speak TLS/);
  });

  it("decides, waits and releases like any other", async () => {
    await using rs = createRateSync({
      stores: { main: { engine: "redis", url: strict.url, tlsCa, ...identity() } },
      limiters: { api: { ratePerSecond: 1, burst: 1, maxConcurrent: 1, onStoreError: "throw" } },
    });
    const permit = await rs.acquire("api");
    assert.equal((await rs.tryAcquire("api")).allowed, false);
    await permit.release();
  });

  describe("from a file", () => {
    function write(...lines: string[]): string {
      const path = authority.path("rate-sync.toml");
      const store = ["[stores.main]", 'engine = "redis"', ...lines];
      writeFileSync(path, [...store, "[limiters.api]", "rate_per_second = 1"].join("\n"));
      return path;
    }

    async function load(path: string): Promise<void> {
      const logged: string[] = [];
      const log = (message: string) => void logged.push(message);
      const logger = { debug: log, info: log, warn: log, error: log };
      await using rs = createRateSync({ stores: {}, limiters: {}, logger });
      await rs.loadConfig(path);
      await rs.connect();
      assertHidesSecrets(inspect([rs, rs.listStores(), rs.listLimiters(), logged], { depth: 9 }));
    }

    async function fails(path: string, option: string, expected: RegExp, received: string): Promise<void> {
      await assert.rejects(load(path), (error) => {
        assert.ok(error instanceof ConfigError, inspect(error));
        assert.equal(error.path, `stores.main.${option}`);
        assert.match(error.expected, expected);
        assert.equal(error.received, received);
        assert.equal(error.file, path);
        assertHidesSecrets(inspect(error));
        return true;
      });
    }

    it("takes paths relative to the file's folder, and absolute ones", async () => {
      mkdirSync(authority.path("certs"));
      writeFileSync(authority.path("certs/ca.pem"), tlsCa);
      const key = 'tls_key_file = "client.encrypted.key"';
      const rest = ['tls_cert_file = "./client.pem"', key, `tls_key_passphrase = "${PASSPHRASE}"`];
      await load(write(`url = "${strict.url}"`, 'tls_ca_file = "certs/ca.pem"', ...rest));
      await load(write(`url = "${strict.url}"`, `tls_ca_file = '${authority.path("authority.pem")}'`, ...rest));
    });

    it("reads the name of the server, and tls_insecure", async () => {
      await load(write(`url = "${elsewhere.url}"`, 'tls_ca_file = "authority.pem"', 'tls_server_name = "redis.test"'));
      await load(write(`url = "${elsewhere.url}"`, "tls_insecure = true"));
    });

    it("names option and path of a file that cannot be used, and does not show its content", async () => {
      const url = `url = "${strict.url}"`;
      const readable = /^a PEM file that can be read$/;
      await fails(write(url, 'tls_ca_file = "no/ca.pem"'), "tls_ca_file", readable, '"no/ca.pem" (no such file)');
      await fails(write(url, 'tls_key_file = "."'), "tls_key_file", readable, '"." (a directory)');
      writeFileSync(authority.path("binary"), Uint8Array.of(0xff, 0xfe, 0xfd));
      await fails(
        write(url, 'tls_cert_file = "binary"'),
        "tls_cert_file",
        readable,
        '"binary" (bytes that are no UTF-8)',
      );
      const swapped = write(url, 'tls_cert_file = "client.key"', 'tls_key_file = "client.pem"');
      await fails(swapped, "tls_cert_file", /^a certificate in PEM/, "a text without (not shown)");
    });

    it("refuses a key in place of its path, without showing it", async () => {
      const url = `url = "${strict.url}"`;
      const hidden = "another text (not shown)";
      for (const text of [pem("client.key"), pem("client.key").split("\n").slice(1, -2).join("")]) {
        const path = write(url, `tls_key_file = '''${text}'''`);
        await fails(path, "tls_key_file", /^the path of a PEM file/, hidden);
      }
    });

    it("names the keys of the file in a contradiction", async () => {
      const plainUrl = 'url = "redis://127.0.0.1"';
      const ca = 'tls_ca_file = "authority.pem"';
      await fails(write(plainUrl, ca), "url", /^rediss:\/\/, for TLS, or no tls_ca_file$/, "[hidden] (a string)");
      const alone = write(`url = "${strict.url}"`, 'tls_cert_file = "client.pem"');
      await fails(alone, "tls_key_file", /^the key of the certificate in tls_cert_file$/, "nothing");
      const passphrase = write(`url = "${strict.url}"`, "tls_key_passphrase = 5");
      await fails(passphrase, "tls_key_passphrase", /^a string$/, "[hidden] (a number)");
    });

    it("reads no file for a store that the environment turned into a memory store", async () => {
      await load(write('url = "${RATESYNC_NO_SUCH_VARIABLE:-}"', 'tls_ca_file = "no/ca.pem"'));
    });
  });

  it("is not described by options that contradict each other", () => {
    const url = "rediss://h";
    const { tlsCert, tlsKey } = identity();
    const encrypted = pem("client.encrypted.key");
    contradicts({ url: "redis://h", tlsCa }, "url", /^rediss:\/\/, for TLS, or no tlsCa$/, "redis://");
    contradicts({ url: "redis://h", tlsServerName: "h" }, "url", /or no tlsServerName$/, "redis://");
    contradicts({ url: "redis://h", tlsInsecure: true }, "url", /or no tlsInsecure$/, "redis://");
    contradicts({ url, tlsCert }, "tlsKey", /^the key of the certificate in tlsCert$/, "nothing");
    contradicts({ url, tlsKey }, "tlsCert", /^the certificate of the key in tlsKey$/, "nothing");
    contradicts({ url, tlsKeyPassphrase: PASSPHRASE }, "tlsKey", /along with tlsKeyPassphrase/, "nothing");
    contradicts({ url, tlsCert, tlsKey: encrypted }, "tlsKeyPassphrase", /is encrypted/, "nothing");
    contradicts({ url, tlsCa, tlsInsecure: true }, "tlsInsecure", /beside tlsCa/, "true");
    contradicts({ url, tlsServerName: "h", tlsInsecure: true }, "tlsInsecure", /beside tlsServerName/, "true");
  });

  it("is not described by text that is no PEM, nor by other types", () => {
    const url = "rediss://h";
    const { tlsCert, tlsKey } = identity();
    const hidden = "a text without (not shown)";
    contradicts({ url, tlsCa: "/etc/ca.pem" }, "tlsCa", /^certificates in PEM/, hidden);
    contradicts({ url, tlsCert: tlsKey, tlsKey }, "tlsCert", /^a certificate in PEM/, hidden);
    contradicts({ url, tlsCert, tlsKey: tlsCert }, "tlsKey", /^a private key in PEM/, hidden);
    contradicts({ url, tlsKeyPassphrase: 5 }, "tlsKeyPassphrase", /^a string$/, "a value of type number");
    contradicts({ url, tlsServerName: "redis://h" }, "tlsServerName", /^a host name$/, '"redis://h"');
    contradicts({ url, tlsInsecure: "yes" }, "tlsInsecure", /^true or false$/, '"yes"');
  });

  it("is described as if nothing had been said by empty strings", () => {
    const empty = { tlsCa: "", tlsCert: "", tlsKey: "", tlsKeyPassphrase: "", tlsServerName: "", tlsInsecure: false };
    assert.doesNotThrow(() => createRedisStore({ url: "redis://h", ...empty }));
  });
});
