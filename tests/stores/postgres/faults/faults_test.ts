/**
 * Traffic through faults of a PostgreSQL server: each call is answered in time, none is charged twice, and what a crash
 * forgets is what docs/postgres.md says.
 *
 * @module
 */

import assert from "node:assert/strict";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import postgres from "postgres";

import { startPgBouncer } from "../../../../scripts/postgres/pgbouncer.ts";
import { type PostgresServer, startPostgres } from "../../../../scripts/postgres/server.ts";
import { StoreError } from "../../../../src/base/errors.ts";
import { compilePolicy } from "../../../../src/policy/compile_policy.ts";
import type { Row, Statement } from "../../../../src/stores/postgres/connections/connection.ts";
import { openPostgresJs } from "../../../../src/stores/postgres/connections/postgres_js.ts";
import { PostgresStore } from "../../../../src/stores/postgres/postgres_store.ts";
import { adminQuery, freshSchema } from "../../../_support/postgres.ts";
import { callsBeside, DECISION_MS, LANES, type Outcome, suffer } from "./_traffic.ts";

/** What comes on top on a machine that does other things too. */
const SLACK_MS = 1_500;

/** Calls are answered in time, and the store has counted each call that it allowed once, and few that it did not. */
function assertAnswered({ longestMs, recoveryMs, ...outcome }: Outcome, recoverMs = 3_000): void {
  assert.ok(longestMs < DECISION_MS + SLACK_MS, `the longest decision took ${longestMs} ms`);
  assert.ok(recoveryMs < recoverMs + SLACK_MS, `recovered after ${recoveryMs} ms`);
  assert.ok(outcome.charged <= outcome.allowed + outcome.failed, JSON.stringify(outcome));
}

function assertKept(outcome: Outcome): void {
  assert.ok(outcome.charged >= outcome.allowed, `forgot calls: ${JSON.stringify(outcome)}`);
}

describe("A PostgreSQL store, while", { concurrency: 1 }, () => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres({ settings: { max_connections: 40 } });
  });
  after(async () => {
    for (const sql of clients) await sql.end({ timeout: 0 });
    for (const one of others) await one.stop();
    await server.stop();
  });
  const clients: postgres.Sql[] = [];
  const others: { stop(): Promise<void> }[] = [];
  const clientOf = ({ url }: PostgresServer, max = 1) => {
    const sql = postgres(url, { max, onnotice: () => {} });
    clients.push(sql);
    return sql;
  };
  const store = (more: object = {}) => ({ url: server.url, schema: freshSchema(), ...more });
  const ours = "application_name = 'ratesync' and pid <> pg_backend_pid()";
  const report = (outcome: Outcome, name: string) => {
    if (process.env["RATESYNC_REPORT"]) console.log(name, JSON.stringify(outcome));
    return outcome;
  };

  it("its sessions are terminated again and again, decides with new ones", async () => {
    const outcome = report(
      await suffer(store(), async () => {
        for (let i = 0; i < 10; i++) {
          await adminQuery(`select pg_terminate_backend(pid) from pg_stat_activity where ${ours}`, server.url);
          await sleep(50);
        }
      }),
      "terminate",
    );
    assertAnswered(outcome);
    assertKept(outcome);
  });

  it("the server restarts, waits for it and forgets nothing", async () => {
    const outcome = report(await suffer(store(), () => server.restart()), "restart");
    assertAnswered(outcome);
    assertKept(outcome);
  });

  it("the server crashes, forgets no more than the last moment", async () => {
    const outcome = report(await suffer(store(), () => server.restart("crash")), "crash");
    assertAnswered(outcome);
    assert.ok(outcome.charged >= outcome.settled, JSON.stringify(outcome));
  });

  it("the server crashes, forgets nothing where decisions are durable", async () => {
    const outcome = report(await suffer(store({ durable: true }), () => server.restart("crash")), "crash durable");
    assertAnswered(outcome);
    assertKept(outcome);
  });

  it("the server crashes in a transaction and gives its number to another one, does not take it for committed", async () => {
    const options = store({ durable: true });
    const connection = openPostgresJs(options);
    let crashes = false;
    const lost = new PostgresStore({
      ...connection,
      async transaction(first, next) {
        if (!crashes) return await connection.transaction(first, next);
        crashes = false;
        const before = await clientOf(server).reserve();
        const run = ({ text, values }: Statement) => before.unsafe(text, [...values] as string[]);
        await run({ text: "begin", values: [] });
        const put = next(await run(first) as unknown as Row[]);
        await run(put as Statement);
        const [{ xid } = { xid: "" }] = await before<{ xid: string }[]>`select pg_current_xact_id()::text as xid`;
        await server.restart("crash");
        const after = clientOf(server);
        for (let last = 0n; last < BigInt(xid);) {
          const [row] = await after<{ xid: string }[]>`select pg_current_xact_id()::text as xid`;
          last = BigInt(row?.xid ?? 0);
        }
        throw new StoreError("STORE_UNAVAILABLE", "the connection broke", { reason: "connection_broke" });
      },
    }, options);
    const policy = compilePolicy({ algorithm: "fixed_window", limit: 5, windowMs: 3_600_000 });
    const targets = [{ limiter: "api", key: "k", policy, cost: 1, permits: 0 }];
    const take = { op: "take", targets, mode: "now", maxWaitUs: 0, id: "", arrivalUs: 0 } as const;
    const isAllowed = async () => (await lost.execute(take)).status === "allowed" ? 1 : 0;
    let allowed = await isAllowed();
    // What the transaction writes does not reach the disk before the crash.
    await adminQuery("alter system set wal_writer_delay = '10s'", server.url);
    await adminQuery("select pg_reload_conf()", server.url);
    await sleep(300);
    crashes = true;
    allowed += await isAllowed().catch(() => 0);
    await adminQuery("alter system reset wal_writer_delay", server.url);
    await adminQuery("select pg_reload_conf()", server.url);
    for (let i = 0; i < 6; i++) allowed += await isAllowed();
    assert.equal(allowed, 5);
    await lost.close();
  });

  it("another session locks the table, leaves decisions to the failure policy and comes back", async () => {
    const options = store();
    const sql = clientOf(server);
    const outcome = report(
      await suffer(options, async () => {
        await sql.begin(async (transaction) => {
          await transaction.unsafe(`lock table "${options.schema}".keys in exclusive mode`);
          await sleep(1_000);
        });
      }),
      "locked",
    );
    assertAnswered(outcome);
    assertKept(outcome);
    assert.ok(outcome.failed > 0);
  });

  it("one of the server's processes stands still with rows, waits 300 ms for them and leaves the others alone", async () => {
    const options = store();
    const outcome = report(
      await suffer(options, async () => {
        const held = clientOf(server).begin(async (transaction) => {
          const [row] = await transaction.unsafe(
            `select pg_backend_pid() as pid from "${options.schema}".keys for update`,
          );
          process.kill(Number(row?.["pid"]), "SIGSTOP");
          await sleep(1_000);
          process.kill(Number(row?.["pid"]), "SIGCONT");
        });
        await held;
      }),
      "stopped",
    );
    assertAnswered(outcome);
    assertKept(outcome);
    assert.ok(outcome.failed > 0);
  });

  for (const [who, more] of [["its own sessions", ""], ["a pooler in transaction mode", "?pgbouncer=true"]] as const) {
    it(`a row is held, lets each caller wait 300 ms once and decides about other rows, over ${who}`, async () => {
      const bouncer = more === "" ? undefined : await startPgBouncer(server);
      if (bouncer !== undefined) others.push(bouncer);
      const options = store({ url: (bouncer ?? server).url + more, onStoreError: "deny", decisionTimeoutMs: 5_000 });
      const found = await callsBeside(options, async () => {
        await clientOf(server).begin(async (transaction) => {
          const [row] = await transaction.unsafe(
            `select pg_backend_pid() as pid from "${options.schema}".keys where key like '%:held' for update`,
          );
          process.kill(Number(row?.["pid"]), "SIGSTOP");
          await sleep(1_500);
          process.kill(Number(row?.["pid"]), "SIGCONT");
        });
      });
      if (process.env["RATESYNC_REPORT"]) console.log("held row", more, JSON.stringify(found));
      assert.equal(found.others.failed, 0, JSON.stringify(found));
      assert.ok(found.held.failed > 20, JSON.stringify(found));
      // Each caller waits once, and not again behind the next one.
      assert.ok(found.held.slow + found.others.slow < 2 * LANES, JSON.stringify(found));
    });
  }

  it("statement_timeout of the server is less than waits for a held row, says so and comes back", async () => {
    const bouncer = await startPgBouncer(server);
    others.push(bouncer);
    const options = store({ url: `${bouncer.url}?pgbouncer=true` });
    const outcome = report(
      await suffer(options, async () => {
        const sql = clientOf(server);
        await sql.unsafe("alter system set statement_timeout = '200ms'");
        await sql`select pg_reload_conf()`;
        await sleep(200); // a session reads its settings again before its next statement
        await sql.begin(async (transaction) => {
          await transaction.unsafe(`select 1 from "${options.schema}".keys for update`);
          await sleep(1_000);
        });
        await sql.unsafe("alter system reset statement_timeout");
        await sql`select pg_reload_conf()`;
      }),
      "statement timeout",
    );
    assertAnswered(outcome);
    assertKept(outcome);
    assert.ok(outcome.failed > 0);
    assert.deepEqual(outcome.reasons, ["busy"]);
    assert.match(outcome.messages.join(), /statement timeout \(57014\); other sessions hold rows/);
  });

  it("there are no connections left, says so, and decides again once there are", async () => {
    const many = clientOf(server, 60);
    const options = store();
    const outcome = report(
      await suffer(options, async () => {
        await Promise.allSettled(Array.from({ length: 60 }, () => many.unsafe("select pg_sleep(0.3)")));
        await many.unsafe(`select pg_terminate_backend(pid) from pg_stat_activity where ${ours}`).catch(() => {});
        await sleep(500);
        await many.end({ timeout: 0 });
      }),
      "connections",
    );
    assertAnswered(outcome);
    assertKept(outcome);
  });

  it("PgBouncer in transaction mode stands in front of it and is started anew, forgets nothing", async () => {
    let bouncer = await startPgBouncer(server, { default_pool_size: 2 });
    others.push({ stop: () => bouncer.stop() });
    const options = store({ url: `${bouncer.url}?pgbouncer=true` });
    const port = Number(new URL(bouncer.url).port);
    const outcome = report(
      await suffer(options, async () => {
        await bouncer.stop();
        await sleep(200);
        bouncer = await startPgBouncer(server, { default_pool_size: 2, listen_port: port });
      }),
      "pgbouncer",
    );
    assertAnswered(outcome);
    assertKept(outcome);
  });

  it("a standby takes over, decides there", async () => {
    const primary = await startPostgres();
    const standby = await startPostgres({ standbyOf: primary });
    others.push(primary, standby);
    const url = primary.url.replace(/@[^/]*/, `@127.0.0.1:${primary.port},127.0.0.1:${standby.port}`);
    const outcome = report(
      await suffer({ url, schema: freshSchema() }, async () => {
        await primary.halt();
        await standby.promote();
      }),
      "promotion",
    );
    assertAnswered(outcome);
    assert.ok(outcome.charged >= outcome.settled, JSON.stringify(outcome));
  });
});
