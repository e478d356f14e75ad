/**
 * What URLs of PostgreSQL may say, and what options beside them may.
 *
 * @module
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { ConfigError } from "../../../../mod.ts";
import { postgresPlaceOf } from "../../../../src/stores/postgres/connections/place.ts";
import { readSettings } from "../../../../src/stores/postgres/connections/settings/settings.ts";
import { readUrlText } from "../../../../src/stores/postgres/connections/settings/url_text.ts";
import type { PostgresStoreOptions } from "../../../../src/stores/postgres/options.ts";

type Read = Partial<ReturnType<typeof readUrlText>>;

const GOOD: readonly (readonly [url: string, read: Read])[] = [
  ["postgres://h/d", { addresses: [{ host: "h", port: 5432 }], database: "d", username: undefined }],
  ["postgresql://u@h:1/d", { addresses: [{ host: "h", port: 1 }], username: "u", password: undefined }],
  ["postgres://u:p%40%2F@h", { username: "u", password: "p@/", database: undefined }],
  ["postgres://u:p/@?#:x@h/d", { username: "u", password: "p/@?#:x", database: "d" }],
  ["postgres://[::1]:2/d", { addresses: [{ host: "::1", port: 2 }] }],
  ["postgres://a:1,b/d", { addresses: [{ host: "a", port: 1 }, { host: "b", port: 5432 }] }],
  ["postgres:///d?host=/run/postgresql", { addresses: [{ host: "/run/postgresql", port: 5432 }], database: "d" }],
  ["postgres://%2Frun%2Fpostgresql/d", { addresses: [{ host: "/run/postgresql", port: 5432 }] }],
  ["postgres://h/d?sslmode=verify-full", { sslMode: "verify-full" }],
  ["postgres://h/d?schema=public&connection_limit=5&pgbouncer=true", { isPooled: true, database: "d" }],
  ["postgres://h?user=u&password=p&dbname=d&port=7", {
    addresses: [{ host: "h", port: 7 }],
    username: "u",
    password: "p",
    database: "d",
  }],
];

const BAD: readonly (readonly [options: object, path: string, message: RegExp])[] = [
  [{ url: "" }, "url", /expected postgres:\/\/.*received an empty text/],
  [{ url: "redis://h" }, "url", /begins with something else/],
  [{ url: 5 }, "url", /received a value of type number/],
  [{ url: "postgres://h:99999" }, "url", /a port from 1 to 65535/],
  [{ url: "postgres://h:p" }, "url", /a URL whose port is not a number/],
  [{ url: "postgres://u:secret@x/y@h/d" }, "url", /can be read in several ways/],
  [{ url: "postgres://h/d?sslmode=verifyfull" }, "url", /did you mean "verify-full"/],
  [{ url: "postgres://h/d?sslmod=require" }, "url", /did you mean "sslmode"/],
  [{ url: "postgres://h/d?sslrootcert=/a.pem" }, "url", /the option tlsCa in place of sslrootcert/],
  [{ url: "postgres://u:secret@h", password: "other" }, "password", /the same password as in the url/],
  [{ url: "postgres://h", password: 5 }, "password", /a string, or a function/],
  [{ url: "postgres://h?sslmode=disable", tlsServerName: "x" }, "url", /sslmode=require/],
  [{ url: "postgres://h?sslmode=verify-full", tlsInsecure: true }, "tlsInsecure", /false beside sslmode=verify-full/],
  [{ url: "postgres://h", schema: "" }, "schema", /1 to 63 letters/],
  [{ url: "postgres://h", schema: "pg_mine" }, "schema", /not pg_/],
  [{ url: "postgres://h", tablePrefix: "a-b" }, "tablePrefix", /up to 30 letters/],
  [{ url: "postgres://h", poolMaxSize: 0 }, "poolMaxSize", /a whole number, 1 or more/],
  [{ url: "postgres://h", poolSize: 2 }, "poolSize", /did you mean "poolMaxSize"/],
  [{ url: "postgres://h", socketTimeoutMs: 0 }, "socketTimeoutMs", /milliseconds, above 0/],
  [{ url: "postgres://h", listenUrl: "x" }, "listenUrl", /expected postgres:/],
  [{}, "url", /a url, or a client in its place/],
  [{ url: "postgres://h", client: {} }, "client", /not both/],
  [{ client: {} }, "client", /postgres\(\) of the npm package postgres/],
  [{ client: () => {}, poolMaxSize: 2 }, "poolMaxSize", /an unknown option/],
];

describe("readUrlText()", () => {
  for (const [url, expected] of GOOD) {
    it(`reads ${url}`, () => {
      const read = readUrlText(url, "url");
      for (const [name, value] of Object.entries(expected)) assert.deepEqual(read[name as keyof Read], value, name);
    });
  }
});

describe("postgresPlaceOf()", () => {
  for (const [options, path, message] of BAD) {
    it(`refuses ${JSON.stringify(options)}, and repeats no secret`, () => {
      assert.throws(() => postgresPlaceOf(options as PostgresStoreOptions), (error: unknown) => {
        assert.ok(error instanceof ConfigError);
        assert.equal(error.path, path);
        assert.match(error.message, message);
        assert.ok(!/secret|other\b.*other/.test(error.message), error.message);
        return true;
      });
    });
  }

  it("names the place without user and password", () => {
    assert.equal(postgresPlaceOf({ url: "postgres://u:secret@h:1,[::1]/d%20b" }), "postgres://h:1,[::1]:5432/d%20b");
    assert.equal(postgresPlaceOf({ url: "postgres:///d?host=/run", password: "secret" }), "postgres:///d?host=/run");
  });
});

describe("readSettings()", () => {
  it("uses TLS where the server offers it, but not on this machine", () => {
    const modeOf = (url: string, more: object = {}) => readSettings({ url, ...more }).endpoint.sslMode;
    assert.equal(modeOf("postgres://h"), "prefer");
    assert.equal(modeOf("postgres://localhost"), "disable");
    assert.equal(modeOf("postgres://127.0.0.1"), "disable");
    assert.equal(modeOf("postgres://127.0.0.1", { tlsServerName: "h" }), "verify-full");
    assert.equal(modeOf("postgres://h", { tlsInsecure: true }), "require");
    assert.equal(modeOf("postgres://h?sslmode=require", { tlsServerName: "h" }), "require");
  });

  it("listens where sessions are: nowhere behind a pooler, unless another URL is given", () => {
    const listens = (options: PostgresStoreOptions) => readSettings(options).listenEndpoint?.label;
    assert.equal(listens({ url: "postgres://h/d" }), "postgres://h:5432/d");
    assert.equal(listens({ url: "postgres://h/d", prepare: false }), undefined);
    assert.equal(listens({ url: "postgres://h/d?pgbouncer=true" }), undefined);
    assert.equal(
      listens({ url: "postgres://h/d", prepare: false, listenUrl: "postgres://g/d" }),
      "postgres://g:5432/d",
    );
    assert.equal(readSettings({ url: "postgres://h/d?pgbouncer=true" }).prepare, false);
  });
});
