import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { describe, it } from "node:test";

import {
  close,
  ConfigError,
  createRateSync,
  type LimiterOptions,
  loadConfig,
  NotFoundError,
  type RateSync,
  StoreError,
} from "@ratesync/core";
import { createGuard, failuresOnly, guardOf, type GuardOptions, setHeaders } from "@ratesync/core/http";
import { TemporaryFolder } from "../../scripts/_temporary.ts";
import { CLIENT, FIVE, Lab, request } from "./_guard_lab.ts";

describe("a refusal", () => {
  it("has the configured status and body", async () => {
    await using lab = new Lab({ api: { ...FIVE, limit: 1 } }, { statusCode: 503, body: "detail" });
    await lab.guard.admit(request());
    const { status, body, headers } = await lab.guard.admit(request());
    assert.equal(status, 503);
    assert.deepEqual(JSON.parse(body), {
      detail: [{
        type: "rate_limit_exceeded",
        msg: "Rate limit exceeded. Try again in 60 seconds.",
        context: { retry_after_seconds: 60, limit: 1, limiter: "api" },
      }],
    });
    assert.ok(headers.some(([name, value]) => name === "Content-Type" && value === "application/json"));
  });

  it("has the time of return as an instant", async () => {
    await using lab = new Lab({ api: { ...FIVE, limit: 1 } }, { body: "error" });
    await lab.guard.admit(request());
    const { body } = await lab.guard.admit(request());
    assert.deepEqual(JSON.parse(body), {
      error: "Too Many Requests",
      message: "Rate limit exceeded. Try again in 60 seconds.",
      limit: 1,
      resetAt: new Date(lab.clock.nowUs() / 1_000 + 60_000).toISOString(),
    });
  });

  it("can be an application's own", async () => {
    await using lab = new Lab({ api: { ...FIVE, limit: 1 } }, {
      onDenied: ({ retryAfterSeconds, reason }, { path }) => ({
        status: 420,
        headers: { "x-why": `${reason}\r\nSet-Cookie: a=b\u00e9`, "content-type": "text/html", "retry-after": "1" },
        body: `${path} ${retryAfterSeconds}`,
      }),
    });
    await lab.guard.admit(request());
    const { status, headers, body } = await lab.guard.admit(request());
    assert.deepEqual([status, body], [420, "/ 60"]);
    const told = Object.fromEntries(headers);
    assert.equal(told["x-why"], "rate??Set-Cookie: a=b?");
    assert.equal(told["Content-Type"], "text/html");
    assert.equal(told["Retry-After"], "1");
    assert.equal(told["RateLimit"], '"api";r=0;t=60');
    assert.equal(new Set(headers.map(([name]) => name.toLowerCase())).size, headers.length);
  });

  it("can be any value, as JSON", async () => {
    await using lab = new Lab({ api: { ...FIVE, limit: 1 } }, { onDenied: () => ({ body: { no: true } }) });
    await lab.guard.admit(request());
    const { status, headers, body } = await lab.guard.admit(request());
    assert.deepEqual([status, body], [429, '{"no":true}']);
    assert.equal(Object.fromEntries(headers)["Content-Type"], "application/json");
  });

  const failing: [string, GuardOptions["onDenied"] & object][] = [
    ["throws", () => Promise.reject(new Error("x"))],
    ["answers with status 99", () => ({ status: 99 })],
    ["answers with a header that is none", () => ({ headers: { "a b": "c" } })],
  ];
  for (const [what, onDenied] of failing) {
    it(`is the default one if onDenied ${what}`, async () => {
      await using lab = new Lab({ api: { ...FIVE, limit: 1 } }, { onDenied });
      await lab.guard.admit(request());
      const { status, body } = await lab.guard.admit(request());
      assert.equal(status, 429);
      assert.match(body, /quota-exceeded/);
      assert.deepEqual(lab.errors.map(([kind]) => kind), ["onDenied"]);
    });
  }

  it("is made even if a listener or a logger throws", async () => {
    const fails = () => {
      throw new Error("x");
    };
    await using lab = new Lab({ api: { ...FIVE, limit: 1 } }, {
      onDecision: fails,
      onError: fails,
      logger: { warn: fails },
    });
    await lab.guard.admit(request());
    assert.equal((await lab.guard.admit(request())).status, 429);
  });
});

describe("a store that fails", () => {
  function broken(onStoreError: LimiterOptions["onStoreError"] & string): RateSync {
    return createRateSync({
      stores: { main: { engine: "redis", url: "redis://127.0.0.1:1", socketConnectTimeoutMs: 200 } },
      limiters: { api: { ...FIVE, limit: 1, onStoreError } },
    });
  }

  for (const onStoreError of ["throw", "deny"] as const) {
    it(`is answered 503 with "${onStoreError}"`, async () => {
      await using rs = broken(onStoreError);
      const guard = createGuard({ limiter: "api", rateSync: rs, logger: { warn: () => {} } });
      const { allowed, status, headers, body, reason } = await guard.admit(request());
      assert.deepEqual([allowed, status, reason], [false, 503, "store"]);
      assert.equal(Object.fromEntries(headers)["Retry-After"], "5");
      assert.match(JSON.parse(body).type, /#temporary-reduced-capacity$/);
    });
  }

  it("is thrown with throwStoreErrors", async () => {
    await using rs = broken("throw");
    const guard = createGuard({ limiter: "api", rateSync: rs, throwStoreErrors: true });
    await assert.rejects(guard.admit(request()), StoreError);
  });

  it('lets in with "allow", and limits in this process with "local"', async () => {
    await using open = broken("allow");
    const opened = createGuard({ limiter: "api", rateSync: open });
    for (let i = 0; i < 3; i++) assert.equal((await opened.admit(request())).allowed, true);
    await using local = broken("local");
    const limited = createGuard({ limiter: "api", rateSync: local, settle: failuresOnly() });
    const admission = await limited.admit(request());
    assert.deepEqual([admission.allowed, admission.isOpen], [true, false], "nothing is settled in another store");
    assert.equal((await limited.admit(request())).status, 429);
  });

  it("is answered 503 once it is closed", async () => {
    const rs = createRateSync({ limiters: { api: FIVE } });
    const guard = createGuard({ limiter: "api", rateSync: rs, logger: { warn: () => {} } });
    await rs.close();
    assert.equal((await guard.admit(request())).status, 503);
  });
});

describe("createGuard()", () => {
  const rs = createRateSync({ limiters: { api: FIVE, slots: { maxConcurrent: 2 } } });
  const bad: [what: string, options: unknown, path: string, says: RegExp][] = [
    ["no options", undefined, "guard", /an object/],
    ["no limiter", {}, "limiter", /the id of a limiter/],
    ["an empty list of rules", { limiter: [] }, "limiter", /rules/],
    ["a rule without a limiter", { limiter: [{ key: () => "a" }] }, "limiter[0].limiter", /id/],
    ["a misspelt option", { limiter: "api", trustedProxy: [] }, "trustedProxy", /did you mean "trustedProxies"/],
    ["a misspelt option of a rule", { limiter: [{ limiter: "api", ket: 1 }] }, "limiter[0].ket", /did you mean "key"/],
    ["a key that is none", { limiter: "api", key: "ip" }, "key", /byIp/],
    ["a cost that is none", { limiter: "api", cost: 0 }, "cost", /from 1/],
    ["a cost that is never held", { limiter: "api", rateSync: rs, cost: 6 }, "cost", /at most 5/],
    ["the same of a limiter", { limiter: rs.limiter("api"), cost: 6 }, "cost", /at most 5/],
    ["settling with permits alone", { limiter: "slots", rateSync: rs, settle: () => 0 }, "settle", /only permits/],
    ["a bad network", { limiter: "api", trustedProxies: ["10.0.0.0/99"] }, "trustedProxies[0]", /10\.0\.0\.0\/99/],
    ["networks that are no list", { limiter: "api", trustedProxies: "10.0.0.0/8" }, "trustedProxies", /array/],
    ["a bad allowed network", { limiter: "api", allow: { networks: ["x"] } }, "allow.networks[0]", /network/],
    ["a network among keys", { limiter: "api", block: { keys: ["10.0.0.0/8"] } }, "block.keys[0]", /block\.networks/],
    ["a misspelt list", { limiter: "api", block: { ips: [] } }, "block.ips", /networks, keys/],
    ["an unknown dialect", { limiter: "api", headers: "draft-8" }, "headers", /draft-11/],
    ["a status that is none", { limiter: "api", statusCode: 200 }, "statusCode", /400/],
    ["a wait that is none", { limiter: "api", waitMs: NaN }, "waitMs", /Infinity/],
    ["an unknown body", { limiter: "api", body: "xml" }, "body", /problem/],
    ["a switch that is none", { limiter: "api", dryRun: "yes" }, "dryRun", /boolean/],
    ["a function that is none", { limiter: "api", skip: "/health" }, "skip", /function/],
    ["a header that is none", { limiter: "api", addressHeader: "a b" }, "addressHeader", /header/],
    ["an instance beside a limiter", { limiter: rs.limiter("api"), rateSync: rs }, "rateSync", /nothing/],
    ["an instance that is none", { limiter: "api", rateSync: {} }, "rateSync", /createRateSync/],
  ];
  for (const [what, options, path, says] of bad) {
    it(`refuses ${what}`, () => {
      assert.throws(() => createGuard(options as GuardOptions), (error) => {
        assert.ok(error instanceof ConfigError, String(error));
        assert.equal(error.path, path);
        assert.match(error.message, says);
        return true;
      });
    });
  }

  it("refuses limiters that its instance does not know", () => {
    assert.throws(() => createGuard({ limiter: "apii", rateSync: rs }), NotFoundError);
  });

  it("takes a limiter, and a guard in place of options", async () => {
    const guard = createGuard({ limiter: rs.limiter("slots"), key: () => ["a", "b"], waitMs: 1_000 });
    const admission = await guardOf(guard).admit(request());
    assert.equal(admission.allowed, true);
    await admission.finish();
  });

  it("trusts the proxies that its instance is configured with, as they are now", async () => {
    const options = { limiters: { api: FIVE }, http: { trustedProxyNetworks: ["198.51.100.0/24"] } };
    await using instance = createRateSync(options);
    const keys: unknown[] = [];
    const guard = createGuard({
      limiter: "api",
      rateSync: instance,
      onDecision: (report) => keys.push(report.keys[0]),
    });
    const headers = { "x-forwarded-for": "203.0.113.7" };
    await guard.admit(request({ peer: "198.51.100.1", headers }));
    await guard.admit(request({ peer: "10.0.0.1", headers }));
    assert.deepEqual(keys, ["ip:203.0.113.7", "ip:10.0.0.1"]);
    await using wrong = createRateSync({ limiters: { api: FIVE }, http: { trustedProxyNetworks: ["x"] } });
    assert.throws(() => createGuard({ limiter: "api", rateSync: wrong }), ConfigError);
  });
});

describe("a guard of the default instance", () => {
  it("looks for its configuration at the first request", async () => {
    using folder = new TemporaryFolder("http");
    const path = `${folder.path}/rate-sync.toml`;
    await writeFile(
      path,
      '[http]\ntrusted_proxy_networks = ["198.51.100.0/24"]\n[limiters.api]\nlimit = 1\nwindow_seconds = 60\n',
    );
    const keys: unknown[] = [];
    const guard = createGuard({ limiter: "api", onDecision: (report) => keys.push(report.keys[0]) });
    const several = createGuard({ limiter: [{ limiter: "api" }, { limiter: "api", key: () => "a" }], waitMs: 1 });
    try {
      await loadConfig(path);
      const asked = request({ peer: "198.51.100.1", headers: { "x-forwarded-for": CLIENT } });
      assert.equal((await guard.admit(asked)).allowed, true);
      assert.equal((await guard.admit(asked)).allowed, false);
      assert.equal((await several.admit(asked)).allowed, false);
      assert.deepEqual(keys, [`ip:${CLIENT}`, `ip:${CLIENT}`]);
      await assert.rejects(createGuard({ limiter: "missing" }).admit(asked), NotFoundError);
    } finally {
      await close();
    }
  });

  it("cannot be configured with invalid networks", async () => {
    using folder = new TemporaryFolder("http");
    const path = `${folder.path}/rate-sync.toml`;
    await writeFile(path, '[http]\ntrusted_proxy_networks = ["10.0.0.0/8", "10.0.0.0/33"]\n');
    await using rs = createRateSync();
    await assert.rejects(rs.loadConfig(path), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.equal(error.path, "http.trusted_proxy_networks");
      assert.match(error.message, /10\.0\.0\.0\/33/);
      return true;
    });
    assert.deepEqual(rs.http, {});
  });
});

describe("setHeaders()", () => {
  it("adds to headers of another guard, and to no others", () => {
    const headers = new Headers({ ratelimit: '"a";r=1;t=1', "x-ratelimit-limit": "1" });
    setHeaders(
      [["RateLimit", '"b";r=2;t=2'], ["X-RateLimit-Limit", "2"], ["RateLimit-Policy", '"b";q=2;w=2']],
      headers,
    );
    assert.equal(headers.get("ratelimit"), '"a";r=1;t=1, "b";r=2;t=2');
    assert.equal(headers.get("x-ratelimit-limit"), "2");
    assert.equal(headers.get("ratelimit-policy"), '"b";q=2;w=2');
  });
});
