/**
 * Statements, transactions and channels over the driver of the store and over clients that applications give.
 *
 * @module
 */

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { connect, type Socket } from "node:net";
import { after, describe, it } from "node:test";
import process from "node:process";

import { Pool } from "pg";
import postgres from "postgres";

import { openGivenClient } from "../../../../src/stores/postgres/connections/clients/open.ts";
import type { PostgresClient } from "../../../../src/stores/postgres/connections/clients/postgres_client.ts";
import type { PostgresConnection } from "../../../../src/stores/postgres/connections/connection.ts";
import { openPostgresJs } from "../../../../src/stores/postgres/connections/postgres_js.ts";
import { postgresUrl } from "../../../_support/postgres.ts";
import { startServer } from "../../redis/_servers.ts";
import { backendOf, only, rejectsWith, statement } from "./_connections.ts";

/** How a connection is made, and how what it was made of ends. */
interface Kind {
  open(): PostgresConnection;
  end(): Promise<unknown>;
}

const socketTimeoutMs = 1_000;

function given(client: PostgresClient, end: () => Promise<unknown>): Kind {
  return { open: () => openGivenClient({ client, socketTimeoutMs }), end };
}

function kinds(): [name: string, kind: Kind][] {
  const url = postgresUrl();
  const sql = postgres(url, { max: 4, onnotice: () => {} });
  const pool = new Pool({ connectionString: url, max: 4 });
  pool.on("error", () => {}); // connections that the tests end
  const all: [string, Kind][] = [
    ["a url", { open: () => openPostgresJs({ url, socketTimeoutMs }), end: () => Promise.resolve() }],
    ["a client of postgres", given(sql, () => sql.end({ timeout: 0.1 }))],
    ["a pool of pg", given(pool, () => pool.end())],
  ];
  if (process.env["RATESYNC_TEST_RUNTIME"] === "bun") {
    const { SQL } =
      (globalThis as unknown as { Bun: { SQL: new (url: string) => PostgresClient & { end(): Promise<void> } } }).Bun;
    const own = new SQL(url);
    all.push(["a client of Bun", given(own, () => own.end())]);
  }
  return all;
}

for (const [name, { open, end }] of kinds()) {
  describe(`A connection over ${name}`, { concurrency: 1 }, () => {
    const connection = open();
    after(async () => {
      await connection.close();
      await end();
    });
    const terminate = (pid: number) => connection.query(statement(`select pg_terminate_backend(${pid})::text`));

    it("gives and takes texts, nulls and literals of arrays", async () => {
      await connection.connect();
      const rows = await connection.query({
        name: "texts",
        text: "select $1::text as one, ($2::text::text[])[2] as two",
        values: [null, '{a,"b\\"\\\\ ü"}'],
      });
      assert.deepEqual({ ...rows[0] }, { one: null, two: 'b"\\ ü' });
    });

    it("keeps statements of one name apart whose texts differ, as those of stores in two schemas", async () => {
      const named = (value: string) => ({ name: "same_name", text: `select '${value}'::text`, values: [] });
      for (const value of ["a", "b", "a", "b"]) {
        // One after the other, so that a pool lends the same connection.
        assert.equal(only(await connection.query(named(value))), value);
      }
    });

    it("commits both statements of a transaction, and none if the second or its maker fails", async () => {
      const table = `t_${randomUUID().replaceAll("-", "")}`;
      await connection.query(statement(`create table ${table} (n int)`));
      const insert = (n: string) => statement(`insert into ${table} values ($1::text::int) returning n::text`, n);
      const count = async () => only(await connection.query(statement(`select count(*)::text from ${table}`)));
      assert.equal(only(await connection.transaction(insert("1"), () => insert("2"))), "2");
      assert.equal(await count(), "2");
      assert.deepEqual([...await connection.transaction(statement("select 1::text"), () => undefined)], []);
      await rejectsWith(connection.transaction(insert("3"), () => insert("x")), { code: "STORE_REFUSED" });
      const mine = new RangeError("mine");
      const failing = connection.transaction(insert("4"), () => {
        throw mine;
      });
      await assert.rejects(failing, (error) => error === mine);
      assert.equal(await count(), "2");
      await connection.query(statement(`drop table ${table}`));
    });

    it("says of a lost connection what may have run, and goes on with another one", async () => {
      const own = "select pg_terminate_backend(pg_backend_pid())::text";
      await rejectsWith(connection.query(statement(own)), {
        code: "STORE_UNAVAILABLE",
        reason: "connection_broke",
        message: /it may have run, so it is not sent again/,
      });
      await rejectsWith(connection.transaction(statement(own), () => undefined), {
        code: "STORE_UNAVAILABLE",
        reason: "connection_broke",
        message: /nothing of it has run/,
      });
      await rejectsWith(connection.transaction(statement("select 1::text"), () => statement(own)), {
        code: "STORE_UNAVAILABLE",
        reason: "connection_broke",
        message: /it may have run/,
      });
      assert.equal(only(await connection.query(statement("select 1::text"))), "1");
    });

    it("hears messages of a channel, and says that it may have missed some when its session was lost", async () => {
      const channel = `c_${randomUUID().replaceAll("-", "")}`;
      const heard: string[] = [];
      let wake = () => {};
      const held = setInterval(() => {}, 1_000); // a session that listens holds no process
      const next = () => new Promise<void>((resolve) => wake = resolve);
      const note = (text: string) => (heard.push(text), wake());
      await connection.listen?.(channel, { message: note, missed: () => note("missed"), isAwaited: () => true });
      let news = next();
      await connection.query(statement("select pg_notify($1::text, 'hello')::text", channel));
      await news;
      news = next();
      const sessions =
        `select pid::text from pg_stat_activity where query ilike 'listen%${channel}%' and pid <> pg_backend_pid()`;
      await terminate(Number(only(await connection.query(statement(sessions)))));
      await news;
      news = next();
      await connection.query(statement("select pg_notify($1::text, 'again')::text", channel));
      await news;
      assert.deepEqual(heard, ["hello", "missed", "again"]);
      clearInterval(held);
    });

    it("gives a statement up that gets no answer", async () => {
      await rejectsWith(connection.query(statement("select pg_sleep(1.5)::text")), {
        code: "STORE_TIMEOUT",
        reason: "no_answer",
        message: /within 1000 ms: the statement may have run/,
      });
    });
  });
}

describe("A connection over a url", () => {
  it("opens no more sessions than it may, and lends them in turn", async () => {
    const connection = openPostgresJs({ url: postgresUrl(), poolMaxSize: 2 });
    const pids = await Promise.all(Array.from({ length: 20 }, () => backendOf(connection)));
    assert.ok(new Set(pids).size <= 2, `sessions: ${new Set(pids).size}`);
    await connection.close();
    await assert.rejects(connection.query(statement("select 1")), { code: "CLOSED" });
  });

  it("gives calls that wait another session when theirs is reset, and prints no warning of the runtime", async () => {
    const warnings: unknown[] = [];
    const note = (warning: unknown) => void warnings.push(warning);
    process.on("warning", note);
    const url = new URL(postgresUrl());
    const place = { host: url.hostname, port: Number(url.port) };
    let way: Socket | undefined;
    await using proxy = await startServer((socket) => {
      way = socket;
      const server = connect(place);
      socket.pipe(server).pipe(socket);
      server.on("error", () => {});
      socket.on("close", () => server.destroy());
    });
    url.port = String(proxy.port);
    const connection = openPostgresJs({ url: url.href, poolMaxSize: 1 });
    await connection.connect();
    const running = rejectsWith(connection.query(statement("select pg_sleep(10)::text")), {
      code: "STORE_UNAVAILABLE",
      reason: "connection_broke",
    });
    const waiting = Array.from({ length: 40 }, (_, i) => connection.query(statement(`select '${i}' as a`)));
    way?.resetAndDestroy();
    await running;
    assert.deepEqual((await Promise.all(waiting)).map(only), waiting.map((_, i) => `${i}`));
    await connection.close();
    process.off("warning", note);
    assert.deepEqual(warnings, []);
  });

  it("says what is wrong when the session is reset that begins to listen, and listens the next time", async () => {
    const url = new URL(postgresUrl());
    const place = { host: url.hostname, port: Number(url.port) };
    let resets = 1;
    await using proxy = await startServer((socket) => {
      const server = connect(place);
      server.pipe(socket).on("error", () => {});
      socket.on("data", (data) => {
        if (String(data).includes('listen "') && resets-- > 0) socket.resetAndDestroy();
        else server.write(data);
      });
      server.on("error", () => {});
      socket.on("close", () => server.destroy());
    });
    url.port = String(proxy.port);
    const connection = openPostgresJs({ url: url.href });
    const channel = { message: () => {}, missed: () => {}, isAwaited: () => true };
    const first = connection.listen?.("c_reset", channel) as Promise<void>;
    await rejectsWith(first, { code: "STORE_UNAVAILABLE", reason: "connection_broke" });
    await connection.listen?.("c_reset", channel);
    await connection.close();
  });

  it("runs a transaction again whose session was lost before it began", async () => {
    const connection = openPostgresJs({ url: postgresUrl(), poolMaxSize: 1 });
    const other = openPostgresJs({ url: postgresUrl() });
    const pid = await backendOf(connection);
    const gone = other.query(statement(`select pg_terminate_backend(${pid}, 1000)::text`));
    const rows = connection.transaction(
      statement("select pg_sleep(0.05)::text"),
      () => statement("select 'done' as a"),
    );
    await gone;
    assert.equal(only(await rows), "done");
    await Promise.all([connection.close(), other.close()]);
  });
});
