/**
 * Drives the engine that new_engine_test.ts has added, by configuration in files and in code. It ends with an error at
 * the first thing that is not right.
 *
 * @module
 */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ConfigError, createRateSync, type RateSync, type StoreConfig } from "../../../mod.ts";
import { inTomlSpelling } from "../../../src/registry/config/toml_names.ts";

const SECRET = "hunter2";
const URL_OF_TOY = `toy://app:${SECRET}@host`;
const LIMITER = "\n[limiters.api]\nrate_per_second = 1\n";

const folder = mkdtempSync(join(tmpdir(), "ratesync-toy-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
const file = join(folder, "rate-sync.toml");
writeFileSync(join(folder, "toy.pem"), "CERTIFICATE");

/** Messages of the instances, those of information too. */
const lines: string[] = [];
const add = (text: string) => void lines.push(text.replace(/^rate-sync: /, ""));
const logger = { debug() {}, info: add, warn: add, error: add };

async function load(store: string, env: Record<string, string> = {}): Promise<[RateSync, StoreConfig | undefined]> {
  writeFileSync(file, `[stores.main]\n${store}\n${LIMITER}`);
  const rs = createRateSync({ logger });
  const { stores } = await rs.loadConfig(file, { env: (name) => env[name] });
  return [rs, stores["main"]];
}

async function assertRefused(attempt: Promise<unknown>, path: string, expected: string, received: string) {
  const error = await attempt.then(() => undefined, (reason: unknown) => reason);
  assert.ok(error instanceof ConfigError, `${path} is taken`);
  assert.deepEqual([error.path, error.expected, error.received], [path, expected, received]);
}

function logged(pattern: RegExp): void {
  assert.equal(lines.filter((line) => pattern.test(line)).length, 1, `${pattern} in ${lines.join("\n")}`);
  lines.length = 0;
}

// A file, with the engine by its URL, and an option of each type.
{
  const [rs, config] = await load(`
    url = "${URL_OF_TOY}"
    token = "\${TOKEN:-}"
    shelf = 2
    mode = "fast"
    writable = true
    ack_timeout = "250ms"
    certificate_file = "toy.pem"
    on_store_error = "deny"
  `);
  assert.deepEqual(config, {
    engine: "toy",
    url: URL_OF_TOY,
    shelf: 2,
    mode: "fast",
    writable: true,
    ackTimeoutMs: 250,
    certificate: "CERTIFICATE",
    onStoreError: "deny",
  });
  assert.equal((await rs.tryAcquire("api")).degraded, false);
  logged(/^Rate limiter using Toy backend: store "main" at toy:\/\/host$/);
  const { engine, url, open, state } = rs.listStores()["main"]!;
  assert.deepEqual({ engine, url, open, state }, { engine: "toy", url: "toy://host", open: true, state: "up" });
  const { ok, engine: checked, advice } = await rs.check();
  assert.deepEqual({ ok, checked, advice }, { ok: true, checked: "toy", advice: ["Use a real one"] });
  assert.equal(rs.limiter("api").policy.onStoreError, "deny");
  await rs.close();
}

// Other ways to say where, and none.
{
  const [listed, config] = await load('hosts = ["a", "b"]');
  assert.deepEqual(config, { engine: "toy", hosts: ["a", "b"] });
  assert.equal(listed.listStores()["main"]?.url, "toy://a");
  const [, empty] = await load('engine = "toy"\nurl = "${TOY_URL:-}"\nshelf = 1\nmax_keys = 7');
  assert.deepEqual(empty, { engine: "memory", maxKeys: 7 });
  logged(/^Toy not configured, using in-memory store: the url of store "main" is empty$/);
  const chosen = 'engine = "${ENGINE:-memory}"\nurl = "${TOY_URL:-}"\ncertificate_file = "none.pem"';
  assert.deepEqual((await load(chosen))[1], { engine: "memory" });
}

// What is wrong is said in the terms of the file, without secrets.
{
  const keys =
    "url, hosts, token, shelf, mode, writable, ack_timeout, certificate_file, fail_closed, on_store_error, " +
    "decision_timeout, local_share";
  const toy = `url = "${URL_OF_TOY}"\n`;
  const refused = (line: string, path: string, expected: string, received: string) =>
    assertRefused(load(line), `stores.main.${path}`, expected, received);
  await refused(
    'engine = "tyo"',
    "engine",
    '"memory", "redis", "nats", "postgres" or "toy"',
    '"tyo" (did you mean "toy"?)',
  );
  await refused('engine = "toy"', "url", "a URL such as toy://localhost", "nothing");
  await refused(
    `engine = "toy"\nurl = "redis://:${SECRET}@h"`,
    "url",
    "a URL that begins with toy://",
    "[hidden] (a string)",
  );
  await refused(
    `url = "sql://:${SECRET}@h"`,
    "url",
    "a URL that begins with redis:// or rediss://, or https:// for a REST endpoint; or nats:// or tls://; or postgres://; " +
      "or toy://",
    "[hidden] (a string)",
  );
  await refused('url = ""\nhosts = ["h"]', "url", "one of url and hosts", "[hidden] (an empty string)");
  await refused(`${toy}pool = 1`, "pool", `one of the keys engine, ${keys}`, "an unknown key");
  await refused(`${toy}shelf = -1`, "shelf", "a whole number from 0", "-1");
  await refused(`${toy}token = 5`, "token", "a string", "[hidden] (a number)");
  await refused(`${toy}mode = "fats"`, "mode", '"safe" or "fast"', '"fats" (did you mean "fast"?)');
  await refused(`${toy}ack_timeout = 2`, "ack_timeout", "seconds from 0.001 to 1", "2 seconds");
  await refused(
    `${toy}certificate_file = "none.pem"`,
    "certificate_file",
    "a PEM file that can be read",
    '"none.pem" (no such file)',
  );
  await refused(
    `${toy}fail_closed = true\non_store_error = "allow"`,
    "on_store_error",
    '"deny", as fail_closed = true says',
    '"allow"',
  );
  assert.equal(inTomlSpelling("ackTimeoutMs and certificate"), "ack_timeout and certificate_file");
}

// Code, with a connection that is there already; types too.
{
  const rs = createRateSync({
    logger,
    stores: { main: { engine: "toy", pool: { host: "given" }, localShare: 0.5 } },
    limiters: { api: { ratePerSecond: 1 } },
  });
  assert.equal(rs.listStores()["main"]?.url, "toy://given");
  assert.equal((await rs.tryAcquire("api")).degraded, false);
  await rs.close();
  const make = (store: unknown, limiter: object = {}) =>
    Promise.resolve().then(() => {
      const limiters = { api: { ratePerSecond: 1, ...limiter } };
      createRateSync({ stores: { main: store as StoreConfig }, limiters });
    });
  await assertRefused(make({ engine: "toy" }), "stores.main.url", "toy://host", "none");
  const host = { engine: "toy", hosts: ["h"] } as const;
  await assertRefused(
    make({ ...host, pol: 1 }),
    "stores.main.pol",
    'a known option; did you mean "pool"?',
    "an unknown option",
  );
  await assertRefused(
    make({ ...host, ackTimeoutMs: 0 }),
    "stores.main.ackTimeoutMs",
    "milliseconds from 1 to 1000",
    "0",
  );
  await assertRefused(
    make({ ...host, localShare: 2 }),
    "stores.main.localShare",
    "a number above 0, at most 1",
    "2",
  );
  await assertRefused(
    make(host, { onChange: "scale" }),
    "limiters.api.onChange",
    '"keep", the only choice in Toy, or a limiter in memory',
    '"scale"',
  );
  // @ts-expect-error: a toy store has no such mode
  void (() => createRateSync({ stores: { main: { engine: "toy", mode: "slow" } } }));
  lines.length = 0;
}

// Failures: the embedded store decides, or the policy of the store, and log lines name the engine.
for (const [name, reason] of [["down", "disconnected"], ["nodriver", "driver_missing"]] as const) {
  const rs = createRateSync({
    logger,
    stores: { main: { engine: "toy", url: `toy://app:${SECRET}@${name}`, onStoreError: "deny" } },
    limiters: { api: { ratePerSecond: 1 }, local: { ratePerSecond: 1, onStoreError: "local" } },
  });
  const denied = await rs.tryAcquire("api");
  assert.deepEqual([denied.allowed, denied.reason, denied.degraded], [false, "store", true]);
  const local = await rs.tryAcquire("local");
  assert.deepEqual([local.allowed, local.degraded], [true, true]);
  logged(new RegExp(`^Toy (?:unavailable|fails), each limiter's onStoreError decides: .*\\(${reason}\\)`));
  await rs.close();
}

assert.ok(lines.every((line) => !line.includes(SECRET)));
console.log("decided");
