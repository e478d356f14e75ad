/**
 * What PostgreSQL refuses, and what is said of it: each in the error of a call and in `check()`.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { after, before, describe, it } from "node:test";

import { StoreError, type StoreErrorCode, type StoreErrorReason } from "../../../../mod.ts";
import { startPgBouncer } from "../../../../scripts/postgres/pgbouncer.ts";
import { type PostgresServer, startPostgres } from "../../../../scripts/postgres/server.ts";
import { freePort } from "../../../../scripts/_free_port.ts";
import { compilePolicy } from "../../../../src/policy/compile_policy.ts";
import { SESSION_SETTINGS } from "../../../../src/stores/postgres/connections/connection.ts";
import { createPostgresStore, postgresGrants, postgresSetup } from "../../../../src/stores/postgres/mod.ts";
import type { PostgresStoreOptions } from "../../../../src/stores/postgres/options.ts";
import { adminQuery, freshSchema } from "../../../_support/postgres.ts";

const SECRET = "hunter2-s3cr3t";

/** A refusal, and what has to be said of it. */
interface Refusal {
  readonly what: string;
  readonly code: StoreErrorCode;
  readonly reason: StoreErrorReason;
  readonly message: RegExp;
  /** The kind of problem of `check()`. */
  readonly kind: string;
  /** Brings it about, and tells how the store is made. */
  make(server: PostgresServer): Promise<PostgresStoreOptions>;
}

/** Something that listens and is not PostgreSQL. */
async function listen(onSocket: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    onSocket(socket);
  });
  others.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `postgres://u:${SECRET}@127.0.0.1:${(server.address() as AddressInfo).port}/d`;
}

const others: Server[] = [];

/** A URL of another user, whose password is wrong in tests of passwords. */
function urlOf({ port }: PostgresServer, user: string, database = "postgres"): string {
  return `postgres://${user}:${SECRET}@127.0.0.1:${port}/${database}`;
}

const REFUSALS: readonly Refusal[] = [
  {
    what: "no server",
    code: "STORE_UNAVAILABLE",
    reason: "connection_refused",
    message: /start the server, or correct host and port/,
    kind: "unreachable",
    make: async () => ({ url: `postgres://u:${SECRET}@127.0.0.1:${await freePort()}/d` }),
  },
  {
    what: "a host that does not exist",
    code: "STORE_UNAVAILABLE",
    reason: "host_unknown",
    message: /correct the host name/,
    kind: "unreachable",
    make: () => Promise.resolve({ url: `postgres://u:${SECRET}@nowhere.invalid/d` }),
  },
  {
    what: "a web server",
    code: "STORE_UNAVAILABLE",
    reason: "not_postgres",
    message: /does not speak the protocol of PostgreSQL; this will not heal by itself/,
    kind: "unreachable",
    make: async () => ({ url: await listen((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")) }),
  },
  {
    what: "a server that says nothing",
    code: "STORE_UNAVAILABLE",
    reason: "connect_timeout",
    message: /accepted the connection but did not answer within 300 ms/,
    kind: "unreachable",
    make: async () => ({ url: await listen(() => {}), socketConnectTimeoutMs: 300 }),
  },
  {
    what: "a server that says nothing, to a call that waits no longer than a connection may take",
    code: "STORE_UNAVAILABLE",
    reason: "connect_timeout",
    message: /no session could be opened within 300 ms/,
    kind: "unreachable",
    make: async () => ({ url: await listen(() => {}), socketTimeoutMs: 300, socketConnectTimeoutMs: 400 }),
  },
  {
    what: "a server that hangs up",
    code: "STORE_UNAVAILABLE",
    reason: "disconnected",
    message: /closed the connection before it answered/,
    kind: "unreachable",
    make: async () => ({ url: await listen((socket) => socket.once("data", () => socket.end())) }),
  },
  {
    what: "a version before 14",
    code: "STORE_REFUSED",
    reason: "version_unsupported",
    message: /its version is 13\.4; this will not heal by itself: use PostgreSQL 14 or later/,
    kind: "refused",
    make: async () => ({ url: await listen(oldServer) }),
  },
  {
    what: "a wrong password",
    code: "STORE_REFUSED",
    reason: "authentication",
    message: /password authentication failed.*will not heal by itself: check user, password/,
    kind: "refused",
    make: (server) => Promise.resolve({ url: urlOf(server, "guarded") }),
  },
  {
    what: "a user who does not exist",
    code: "STORE_REFUSED",
    reason: "authentication",
    message: /role "nobody" does not exist/,
    kind: "refused",
    make: (server) => Promise.resolve({ url: urlOf(server, "nobody") }),
  },
  {
    what: "a database that does not exist",
    code: "STORE_REFUSED",
    reason: "wrong_database",
    message: /database "nowhere" does not exist.*correct the database/,
    kind: "refused",
    make: (server) => Promise.resolve({ url: urlOf(server, "postgres", "nowhere") }),
  },
  {
    what: "no connection left for this user",
    code: "STORE_REFUSED",
    reason: "too_many_clients",
    message: /too many connections for role.*raise the server's max_connections/,
    kind: "refused",
    make: (server) => Promise.resolve({ url: urlOf(server, "crowded") }),
  },
  {
    what: "a user who may make nothing",
    code: "STORE_REFUSED",
    reason: "permission",
    message: /permission denied|may not make.*grant the rights/,
    kind: "permission",
    make: (server) => Promise.resolve({ url: urlOf(server, "limited"), schema: freshSchema() }),
  },
  {
    what: "a user who may not use what is there",
    code: "STORE_REFUSED",
    reason: "permission",
    message: /permission denied.*grant the rights/,
    kind: "permission",
    async make(server) {
      const schema = freshSchema();
      await adminQuery(postgresSetup({ schema }), server.url);
      return { url: urlOf(server, "limited"), schema, autoCreate: false };
    },
  },
  {
    what: "a schema that is missing, where the store may make nothing",
    code: "STORE_REFUSED",
    reason: "schema_missing",
    message: /ratesync init --postgres/,
    kind: "refused",
    make: (server) => Promise.resolve({ url: server.url, schema: freshSchema(), autoCreate: false }),
  },
  {
    what: "another program's table",
    code: "STORE_REFUSED",
    reason: "foreign_state",
    message: /the table is left as it is/,
    kind: "refused",
    async make(server) {
      const schema = freshSchema();
      await adminQuery(`create schema ${schema}; create table ${schema}.keys (id int, owner text)`, server.url);
      return { url: server.url, schema };
    },
  },
  {
    what: "a database that takes no writes",
    code: "STORE_REFUSED",
    reason: "read_only",
    message: /give the address of the primary/,
    kind: "replica",
    async make(server) {
      const standby = await startPostgres({ standbyOf: server });
      servers.push(standby);
      return { url: standby.url };
    },
  },
  {
    what: "a pooler that refuses settings of sessions",
    code: "STORE_REFUSED",
    reason: "command_missing",
    message: /this is a pooler such as PgBouncer.*set prepare to false/,
    kind: "refused",
    async make(server) {
      const bouncer = await startPgBouncer(server, { ignore_startup_parameters: "extra_float_digits" });
      servers.push(bouncer);
      return { url: bouncer.url };
    },
  },
  {
    what: "a pooler that drops settings of sessions",
    code: "STORE_REFUSED",
    reason: "command_missing",
    message: /settings of sessions do not reach the server \(\w+ is \w+\); .*set prepare to false/,
    kind: "refused",
    async make(server) {
      const settings = [
        "extra_float_digits",
        "statement_timeout",
        "default_transaction_isolation",
        "synchronous_commit",
      ];
      const names = [...settings, ...Object.keys(SESSION_SETTINGS)];
      const bouncer = await startPgBouncer(server, { ignore_startup_parameters: names.join(",") });
      servers.push(bouncer);
      return { url: bouncer.url };
    },
  },
];

const servers: { stop(): Promise<void> }[] = [];

/** As much of the protocol as a client needs to learn the version. */
function oldServer(socket: Socket): void {
  socket.once("data", () => {
    const version = Buffer.from("server_version\0" + "13.4\0");
    const length = Buffer.alloc(4);
    length.writeInt32BE(version.length + 4);
    socket.write(Buffer.concat([
      Buffer.from([82, 0, 0, 0, 8, 0, 0, 0, 0]),
      Buffer.from([83]),
      length,
      version,
      Buffer.from([90, 0, 0, 0, 5, 73]),
    ]));
    socket.on("data", () => socket.write(Buffer.from([73, 0, 0, 0, 4, 90, 0, 0, 0, 5, 73])));
  });
}

describe("A PostgreSQL store says what is wrong:", { concurrency: 1 }, () => {
  let server: PostgresServer;
  const policy = compilePolicy({ limit: 5, windowMs: 60_000 });
  const take = { op: "take", mode: "now", id: "", maxWaitUs: 0, arrivalUs: 0 } as const;
  const target = { limiter: "api", key: "k", policy, cost: 1, permits: 0 };
  before(async () => {
    server = await startPostgres({
      access: [
        "host all guarded 127.0.0.1/32 scram-sha-256",
        "host all all 127.0.0.1/32 trust",
        "local all all trust",
        "host replication all 127.0.0.1/32 trust",
      ],
    });
    await adminQuery(
      `create role guarded login password 'right'; create role limited login; create role crowded login connection limit 0`,
      server.url,
    );
  });
  after(async () => {
    for (const other of others) other.close();
    for (const one of servers) await one.stop();
    await server.stop();
  });

  for (const { what, code, reason, message, kind, make } of REFUSALS) {
    it(what, async () => {
      const store = createPostgresStore(await make(server));
      try {
        await assert.rejects(Promise.resolve(store.execute({ ...take, targets: [target] })), (error: unknown) => {
          assert.ok(error instanceof StoreError, String(error));
          assert.deepEqual({ code: error.code, reason: error.reason }, { code, reason }, error.message);
          assert.match(error.message, message);
          assert.ok(!`${error.message} ${String(error.cause)}`.includes(SECRET), error.message);
          return true;
        });
        const { ok, problems } = await store.check();
        assert.equal(ok, false);
        assert.equal(problems[0]?.kind, kind, JSON.stringify(problems));
        assert.equal(problems[0]?.reason, reason, JSON.stringify(problems));
        assert.ok(!JSON.stringify(problems).includes(SECRET));
      } finally {
        await store.close();
      }
    });
  }

  it("nothing, where an owner has run what postgresSetup() and postgresGrants() give", async () => {
    const schema = freshSchema();
    await adminQuery(`${postgresSetup({ schema })}\n${postgresGrants({ schema }, "limited")}`, server.url);
    const store = createPostgresStore({ url: urlOf(server, "limited"), schema, autoCreate: false });
    try {
      const reply = await store.execute({ ...take, targets: [target] });
      assert.equal(reply.status, "allowed");
      assert.deepEqual((await store.check()).problems, []);
      const { unknown, keys } = await store.inspect([{ limiter: "api", policy }]);
      assert.deepEqual(unknown, []);
      assert.equal(keys?.count, 1);
    } finally {
      await store.close();
    }
  });
});
