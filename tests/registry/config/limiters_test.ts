import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { assertRefused, parse, parseLimiter } from "./_support.ts";

const LIMIT_KEYS = "algorithm, rate_per_second, burst, limit, window_seconds, window";
const KEYS =
  `store, ${LIMIT_KEYS}, limits, max_concurrent, max_waiters, lease_ttl, timeout, deny_cache, token_lease, key_shards, ` +
  "on_change, fail_closed, on_store_error, decision_timeout, local_share";
const FORMS = 'a number of seconds from 0, or a duration such as "250ms", "5s", "5m", "1.5h" or "1d"';

function refused(
  lines: string,
  key: string,
  expected: string | RegExp,
  received: string,
  variables: Record<string, string> = {},
): Promise<void> {
  return assertRefused(parseLimiter(lines, variables), `limiters.api.${key}`, expected, received);
}

describe("[limiters.*]", () => {
  it("reads every option", async () => {
    const limiter = await parseLimiter(`
      algorithm = "token_bucket"
      rate_per_second = 2.5
      burst = 10
      limit = 5
      window_seconds = 60
      max_concurrent = 3
      lease_ttl = 15
      timeout = 30.0
      on_store_error = "deny"
      fail_closed = true
      limits = [{ algorithm = "sliding_window", limit = 10, window = "1s" }, { rate_per_second = 1, burst = 5 }]
    `);
    assert.deepEqual(limiter, {
      algorithm: "token_bucket",
      ratePerSecond: 2.5,
      burst: 10,
      limit: 5,
      windowMs: 60_000,
      maxConcurrent: 3,
      leaseTtlMs: 15_000,
      timeoutMs: 30_000,
      onStoreError: "deny",
      limits: [
        { algorithm: "sliding_window", limit: 10, windowMs: 1_000 },
        { ratePerSecond: 1, burst: 5 },
      ],
    });
  });

  it("reads each algorithm and each failure policy", async () => {
    for (const algorithm of ["token_bucket", "sliding_window", "sliding_window_counter", "fixed_window"]) {
      assert.deepEqual(await parseLimiter(`algorithm = "${algorithm}"`), { algorithm });
    }
    for (const onStoreError of ["local", "allow", "deny", "throw"]) {
      assert.deepEqual(await parseLimiter(`on_store_error = "${onStoreError}"`), { onStoreError });
    }
    assert.deepEqual(await parseLimiter("fail_closed = true"), { failClosed: true });
    assert.deepEqual(await parseLimiter("fail_closed = false"), { failClosed: false });
  });

  it("reads limits as an array of tables", async () => {
    const limiter = await parseLimiter(
      "[[limiters.api.limits]]\nlimit = 1\nwindow = 1\n[[limiters.api.limits]]\nlimit = 2\nwindow = 9",
    );
    assert.deepEqual(limiter.limits, [{ limit: 1, windowMs: 1_000 }, { limit: 2, windowMs: 9_000 }]);
  });

  it("reads durations as seconds or with a unit", async () => {
    const windows = ["window_seconds = 300", 'window_seconds = "5m"', 'window = "5m"', "window = 300.0"];
    for (const line of windows) assert.deepEqual(await parseLimiter(line), { windowMs: 300_000 });
    assert.deepEqual(await parseLimiter('lease_ttl = "15s"'), { leaseTtlMs: 15_000 });
    assert.deepEqual(await parseLimiter("timeout = 0"), { timeoutMs: 0 });
    assert.deepEqual(await parseLimiter("timeout = 0.0015"), { timeoutMs: 1.5 });
    assert.deepEqual(await parseLimiter("timeout = inf"), { timeoutMs: Infinity });
    assert.deepEqual(await parseLimiter('timeout = "inf"'), { timeoutMs: Infinity });
  });

  it("takes numbers, booleans and durations out of the environment", async () => {
    const lines = 'rate_per_second = "${R}"\nmax_concurrent = "${N:-25}"\nfail_closed = "${F}"\ntimeout = "${T}"';
    assert.deepEqual(await parseLimiter(lines, { R: "2.0", F: "true", T: "30" }), {
      ratePerSecond: 2,
      maxConcurrent: 25,
      failClosed: true,
      timeoutMs: 30_000,
    });
    assert.deepEqual(await parseLimiter('timeout = "${T}m"', { T: "5" }), { timeoutMs: 300_000 });
    assert.deepEqual(await parseLimiter('timeout = "${T}"', { T: "inf" }), { timeoutMs: Infinity });
    assert.deepEqual(await parseLimiter('rate_per_second = "${A}.${B}"', { A: "1", B: "5" }), {
      ratePerSecond: 1.5,
    });
  });

  it("takes only plain decimals, true and false out of the environment", async () => {
    for (const R of ["", "007", "1e3", " 25", "25\n", "+5", ".5", "5.", "0x10", "1_000", "inf", "nan", "true"]) {
      const received = `${JSON.stringify(R)} from the environment`;
      await refused('rate_per_second = "${R}"', "rate_per_second", "a number", received, { R });
    }
    await refused('limit = "${N}"', "limit", "a whole number", '"2.5" from the environment', { N: "2.5" });
    await refused('limit = "${N}"', "limit", "a whole number", `"${"9".repeat(20)}" from the environment`, {
      N: "9".repeat(20),
    });
    for (const F of ["True", "1", "yes", ""]) {
      const received = `${JSON.stringify(F)} from the environment`;
      await refused('fail_closed = "${F}"', "fail_closed", "true or false", received, { F });
    }
  });

  it("is strict about types", async () => {
    const cases: [line: string, expected: string, received: string][] = [
      ['rate_per_second = "25"', "a number", 'string "25"'],
      ["rate_per_second = true", "a number", "true"],
      ["rate_per_second = nan", "a number", "NaN"],
      ["rate_per_second = inf", "a number", "Infinity"],
      ["limit = 1.5", "a whole number", "1.5"],
      ["burst = []", "a whole number", "an empty array"],
      ["max_concurrent = 2.5", "a whole number", "2.5"],
      ["window_seconds = -1", FORMS, "-1 seconds"],
      ["window_seconds = inf", FORMS, "Infinity seconds"],
      ['window_seconds = "300"', FORMS, '"300"'],
      ['window = "5 minutes"', FORMS, '"5 minutes"'],
      ["window = 00:05:00", FORMS, "a date"],
      ['lease_ttl = "inf"', FORMS, '"inf"'],
      ["timeout = -1", `${FORMS}, or inf`, "-1 seconds"],
      ["timeout = nan", `${FORMS}, or inf`, "NaN seconds"],
      ["timeout = true", `${FORMS}, or inf`, "true"],
      ["fail_closed = 1", "true or false", "1"],
      ['fail_closed = "true"', "true or false", 'string "true"'],
      ["store = 5", "a string", "5"],
      ["limits = 5", "an array of tables", "a number"],
      ["limits = {}", "an array of tables", "an object"],
      ['on_store_error = "open"', '"local", "allow", "deny" or "throw"', '"open"'],
      [
        'algorithm = "slidingwindow"',
        '"token_bucket", "sliding_window", "sliding_window_counter" or "fixed_window"',
        '"slidingwindow" (did you mean "sliding_window"?)',
      ],
    ];
    for (const [line, expected, received] of cases) {
      await refused(line, line.split(" ")[0]!, expected, received);
    }
  });

  it("refuses unknown keys with the nearest known one", async () => {
    const known = `one of the keys ${KEYS}`;
    await refused("ratePerSecond = 1", "ratePerSecond", known, 'an unknown key (did you mean "rate_per_second"?)');
    await refused("rate_per_sec = 1", "rate_per_sec", known, 'an unknown key (did you mean "rate_per_second"?)');
    await refused("timeout_ms = 1", "timeout_ms", known, 'an unknown key (did you mean "timeout"?)');
    await refused("colour = 1", "colour", known, "an unknown key");
    await refused(
      "limits = [{ limit = 1 }, { burts = 1 }]",
      "limits[1].burts",
      `one of the keys ${LIMIT_KEYS}`,
      'an unknown key (did you mean "burst"?)',
    );
    await refused("limits = [{ limit = 1 }, 5]", "limits[1]", "a table", "a number");
    await refused('limits = [{ window = "x" }]', "limits[0].window", FORMS, '"x"');
  });

  it("refuses two windows, and failure policies that contradict each other", async () => {
    await refused("window = 1\nwindow_seconds = 1", "window", "either window_seconds or window", "both");
    await refused(
      'fail_closed = true\non_store_error = "throw"',
      "on_store_error",
      '"deny", as fail_closed = true says',
      '"throw"',
    );
    await refused(
      'fail_closed = false\non_store_error = "deny"',
      "on_store_error",
      '"local", "allow" or "throw", as fail_closed = false says',
      '"deny"',
    );
    assert.deepEqual(await parseLimiter('fail_closed = false\non_store_error = "allow"'), {
      onStoreError: "allow",
    });
  });

  it("uses the only store, and requires a name if there are several", async () => {
    const a = '[stores.a]\nengine = "memory"\n';
    const b = '[stores.bb]\nengine = "memory"\n';
    const store = async (toml: string) => (await parse(toml)).limiters.api?.store;
    assert.equal(await store(`${a}[limiters.api]`), "a");
    assert.equal(await store("[limiters.api]"), undefined);
    assert.equal(await store(`${a}${b}[limiters.api]\nstore = "bb"`), "bb");
    assert.equal(await store(`[limiters.api]\nstore = "a"\n${a}`), "a");
    const place = "limiters.api.store";
    await assertRefused(parse(`${a}${b}[limiters.api]`), place, 'one of the stores "a" or "bb"', "nothing");
    await assertRefused(
      parse(`${a}${b}[limiters.api]\nstore = "cb"`),
      place,
      'one of the stores "a" or "bb"',
      '"cb" (did you mean "bb"?)',
    );
    await assertRefused(parse(`${a}[limiters.api]\nstore = "toString"`), place, 'the store "a"', '"toString"');
    await assertRefused(
      parse('[limiters.api]\nstore = "a"'),
      place,
      "a store of this file, which has none",
      '"a"',
    );
  });
});

describe("[http] and [fastapi]", () => {
  it("keeps the networks of trusted proxies", async () => {
    for (const name of ["http", "fastapi"]) {
      const { http } = await parse(`[${name}]\ntrusted_proxy_networks = ["10.0.0.0/8", "\${V6:-::1/128}"]`);
      assert.deepEqual(http, { trustedProxyNetworks: ["10.0.0.0/8", "::1/128"] });
      assert.deepEqual((await parse(`[${name}]`)).http, {});
      assert.deepEqual((await parse(`[${name}]\ntrusted_proxy_networks = []`)).http, {
        trustedProxyNetworks: [],
      });
    }
  });

  it("refuses a value that is not a list of networks, two lists, and other keys", async () => {
    const list = "http.trusted_proxy_networks";
    await assertRefused(parse(`${list} = "10.0.0.0/8"`), list, "an array of strings", "a string");
    await assertRefused(parse(`${list} = [5]`), `${list}[0]`, "a string that is not empty", "5");
    await assertRefused(parse(`${list} = [""]`), `${list}[0]`, "a string that is not empty", '""');
    await assertRefused(
      parse("http.trusted_proxy_networks = []\nfastapi.trusted_proxy_networks = []"),
      "fastapi.trusted_proxy_networks",
      "either [http] or [fastapi] to have it",
      "both",
    );
    await assertRefused(
      parse("http.trusted_proxies = []"),
      "http.trusted_proxies",
      "one of the keys trusted_proxy_networks",
      "an unknown key",
    );
  });
});
