/**
 * PostgreSQL over TLS: which certificates are accepted, and what is said of the others.
 *
 * @module
 */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { startPostgres } from "../../../../scripts/postgres/server.ts";
import { TemporaryFolder } from "../../../../scripts/_temporary.ts";
import { openPostgresJs } from "../../../../src/stores/postgres/connections/postgres_js.ts";
import type { PostgresStoreOptions } from "../../../../src/stores/postgres/options.ts";
import { Authority } from "../../redis/_certificates.ts";
import { only, rejectsWith, statement } from "./_connections.ts";

describe("PostgreSQL over TLS", { concurrency: 1 }, () => {
  const folder = new TemporaryFolder("postgres-tls");
  const authority = new Authority(folder.path, "authority");
  authority.sign("server", { name: "DNS:db.test" });
  const ca = authority.read("authority.pem");
  let encrypted: Awaited<ReturnType<typeof startPostgres>>;
  let plain: Awaited<ReturnType<typeof startPostgres>>;
  before(async () => {
    encrypted = await startPostgres({
      tls: { cert: authority.read("server.pem"), key: authority.read("server.key"), ca },
      access: [
        "hostssl all postgres 127.0.0.1/32 trust",
        "local all all trust",
      ],
    });
    plain = await startPostgres();
  });
  after(async () => {
    await Promise.all([encrypted.stop(), plain.stop()]);
    folder[Symbol.dispose]();
  });

  async function isEncrypted(options: PostgresStoreOptions): Promise<boolean> {
    const connection = openPostgresJs(options);
    try {
      const text = "select ssl::text from pg_stat_ssl where pid = pg_backend_pid()";
      return only(await connection.query(statement(text))) === "true";
    } finally {
      await connection.close();
    }
  }

  it("checks the certificate and the name in it, where that is asked for", async () => {
    const { url } = encrypted;
    assert.equal(await isEncrypted({ url, tlsCa: ca, tlsServerName: "db.test" }), true);
    assert.equal(await isEncrypted({ url: `${url}?sslmode=verify-ca`, tlsCa: ca }), true);
    await rejectsWith(isEncrypted({ url, tlsCa: ca, tlsServerName: "other.test" }), {
      code: "STORE_UNAVAILABLE",
      reason: "tls",
      message: /another host name/,
    });
    await rejectsWith(isEncrypted({ url, tlsServerName: "db.test" }), {
      code: "STORE_UNAVAILABLE",
      reason: "tls",
      message: /unknown authority/,
    });
  });

  it("encrypts without a look at the certificate with require, prefer and tlsInsecure", async () => {
    const { url } = encrypted;
    assert.equal(await isEncrypted({ url: `${url}?sslmode=require` }), true);
    assert.equal(await isEncrypted({ url: `${url}?sslmode=prefer` }), true);
    assert.equal(await isEncrypted({ url, tlsInsecure: true }), true);
  });

  it("says that TLS is wanted, or not offered", async () => {
    await rejectsWith(isEncrypted({ url: `${encrypted.url}?sslmode=disable` }), {
      code: "STORE_REFUSED",
      reason: "authentication",
      message: /no encryption.*sslmode=require/,
    });
    await rejectsWith(isEncrypted({ url: `${plain.url}?sslmode=require` }), {
      code: "STORE_UNAVAILABLE",
      reason: "tls",
      message: /does not offer TLS, which sslmode=require wants/,
    });
    assert.equal(await isEncrypted({ url: `${plain.url}?sslmode=prefer` }), false);
  });
});
