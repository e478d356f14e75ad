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
import {
  byApiKey,
  byHeader,
  createGuard,
  failuresOnly,
  firstOf,
  type GuardErrorKind,
  guardOf,
  type GuardOptions,
  type GuardReport,
  type RequestFacts,
  responseBytes,
  setHeaders,
} from "@ratesync/core/http";
import { FakeClock } from "@ratesync/core/testing";
import { TemporaryFolder } from "../../scripts/_temporary.ts";

const CLIENT = "203.0.113.7";

function request(facts: Partial<RequestFacts> = {}): RequestFacts {
  return { method: "GET", url: "/", headers: {}, peer: CLIENT, ...facts };
}

const FIVE: LimiterOptions = { limit: 5, windowMs: 60_000, algorithm: "sliding_window" };

/** A guard on limiters of its own, with everything that it tells. */
class Lab implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly rs: RateSync;
  readonly guard;
  readonly logged: string[] = [];
  readonly errors: [kind: GuardErrorKind, message: string][] = [];
  readonly reports: GuardReport[] = [];

  constructor(limiters: Record<string, LimiterOptions>, options: Partial<GuardOptions> = {}) {
    this.rs = createRateSync({ clock: this.clock, limiters });
    this.guard = createGuard({
      limiter: Object.keys(limiters)[0] as string,
      rateSync: this.rs,
      logger: { warn: (message) => this.logged.push(message) },
      onError: (error, kind) => this.errors.push([kind, error instanceof Error ? error.message : String(error)]),
      onDecision: (report) => this.reports.push(report),
      ...options,
    });
  }

  /** Units that are used up. */
  async used(limiter: string, key = `ip:${CLIENT}`): Promise<number> {
    const { limit, remaining } = await this.rs.peek(limiter, { key });
    return limit - remaining;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.rs.close();
  }
}

describe("Guard.admit()", () => {
  it("allows requests within the limit, and denies the rest with an answer", async () => {
    await using lab = new Lab({ api: FIVE });
    for (let i = 0; i < 5; i++) {
      const { allowed, status, body, isOpen } = await lab.guard.admit(request());
      assert.deepEqual([allowed, status, body, isOpen], [true, 200, "", false]);
    }
    const { allowed, status, headers, body, reason, decision } = await lab.guard.admit(request());
    assert.deepEqual([allowed, status, reason, decision?.limiter], [false, 429, "rate", "api"]);
    assert.deepEqual(Object.fromEntries(headers), {
      "RateLimit-Policy": '"api";q=5;w=60',
      RateLimit: '"api";r=0;t=60',
      "Content-Type": "application/problem+json",
      "Retry-After": "60",
    });
    assert.deepEqual(JSON.parse(body), {
      type: "https://iana.org/assignments/http-problem-types#quota-exceeded",
      title: "Quota exceeded",
      status: 429,
      detail: "Try again in 60 seconds.",
      "violated-policies": ["api"],
    });
    assert.equal((await lab.guard.admit(request({ peer: "203.0.113.8" }))).allowed, true, "others have room");
    await lab.clock.advance(60_000);
    assert.equal((await lab.guard.admit(request())).allowed, true, "and it recovers");
  });

  it("takes a Request, whose peer is unknown", async () => {
    await using lab = new Lab({ api: FIVE });
    const { allowed } = await lab.guard.admit(
      new Request("http://localhost/", { headers: { "x-forwarded-for": "1.1.1.1" } }),
    );
    assert.equal(allowed, true);
    assert.deepEqual(lab.reports[0]?.keys, ["unidentified"]);
  });

  it("passes the framework's request to functions", async () => {
    const seen: unknown[] = [];
    await using rs = createRateSync({ limiters: { api: FIVE } });
    const guard = createGuard<{ user: string }>({
      limiter: "api",
      rateSync: rs,
      key: ({ raw, method, path, url, peer, header }) => {
        seen.push(raw.user, method, path, url, peer, typeof header);
        return `user:${raw.user}`;
      },
    });
    await guard.admit({ ...request({ url: "https://a.example:1/b/c?d#e" }), raw: { user: "42" } });
    assert.deepEqual(seen, ["42", "GET", "/b/c", "https://a.example:1/b/c?d#e", CLIENT, "function"]);
  });

  for (
    const [url, path] of [["/", "/"], ["/a?b=/c", "/a"], ["http://h", "/"], ["http://h?x", "/"], ["//h/a#b", "//h/a"], [
      "*",
      "*",
    ]]
  ) {
    it(`reads the path of ${url}`, async () => {
      let seen: string | undefined;
      await using lab = new Lab({ api: FIVE }, { skip: (it) => (seen = it.path, true) });
      await lab.guard.admit(request({ url: url as string }));
      assert.equal(seen, path);
    });
  }
});

describe("the key of a guard", () => {
  it("is a header's value, hashed if it is an API key", async () => {
    await using lab = new Lab({ api: FIVE }, {
      key: firstOf(byApiKey({ known: (apiKey) => apiKey === "s3cret" }), byHeader("X-User")),
    });
    await lab.guard.admit(request({ headers: new Headers({ Authorization: "bearer s3cret" }) }));
    await lab.guard.admit(request({ headers: { authorization: "Bearer made-up", "x-user": " 42 " } }));
    await lab.guard.admit(request({ headers: (name) => name === "authorization" ? "Basic s3cret" : undefined }));
    assert.deepEqual(lab.reports.map(({ keys }) => keys), [
      ["api-key:1ec1c26b50d5d3c58d9583181af8076655fe00756bf7285940ba3670f99fcba0"],
      ["x-user:42"],
      ["unidentified"],
    ]);
  });

  it("can be several, which must all have room", async () => {
    await using lab = new Lab({ api: { ...FIVE, limit: 2 } }, {
      key: ({ header, address }) => [`ip:${address}`, `account:${header("account")}`],
    });
    const ask = (account: string, peer: string) => lab.guard.admit(request({ peer, headers: { account } }));
    assert.equal((await ask("a", "1.1.1.1")).allowed, true);
    assert.equal((await ask("a", "1.1.1.2")).allowed, true);
    assert.equal((await ask("a", "1.1.1.3")).allowed, false, "the account has no room");
    assert.equal(await lab.used("api", "ip:1.1.1.3"), 0, "then the address is not charged");
    assert.equal((await ask("b", "1.1.1.1")).allowed, true);
    assert.equal((await ask("c", "1.1.1.1")).allowed, false, "the address has no room");
  });

  it("can be false: all clients are limited together", async () => {
    await using lab = new Lab({ api: { ...FIVE, limit: 1 } }, { key: false });
    assert.equal((await lab.guard.admit(request())).allowed, true);
    assert.equal((await lab.guard.admit(request({ peer: "1.1.1.1" }))).allowed, false);
    assert.equal((await lab.rs.tryAcquire("api")).allowed, false, "with those who ask without HTTP too");
  });

  const bad: [string, GuardOptions["key"]][] = [
    ["throws", () => {
      throw new Error("no session");
    }],
    ["rejects", () => Promise.reject(new Error("no session"))],
    ["gives nothing", () => undefined],
    ["gives null", () => null],
    ["gives the empty string", () => ""],
    ["gives an empty list", () => []],
    ["gives a list of nothing", () => [undefined, ""]],
    ["gives what is no key", () => ({} as string)],
    ["gives no number", () => NaN],
    ["gives too much", () => "x".repeat(100_000)],
  ];
  for (const [what, key] of bad) {
    it(`that ${what} limits all such requests together, and says so once`, async () => {
      await using lab = new Lab({ api: { ...FIVE, limit: 2 } }, { key: key as never });
      const admitted = [];
      for (let i = 0; i < 4; i++) admitted.push((await lab.guard.admit(request({ peer: `1.1.1.${i}` }))).allowed);
      assert.deepEqual(admitted, [true, true, false, false]);
      assert.deepEqual(lab.reports.map(({ keys }) => keys[0]), Array(4).fill("unidentified"));
      assert.deepEqual(lab.errors.map(([kind]) => kind), Array(4).fill("key"));
      assert.equal(lab.logged.length, 1);
    });
  }

  it("is not ignored if another one is missing", async () => {
    await using lab = new Lab({ api: FIVE }, { key: ({ header }) => [header("account"), "b", "b"] });
    await lab.guard.admit(request());
    assert.deepEqual(lab.reports[0]?.keys, ["unidentified", "b"]);
  });
});

describe("several rules", () => {
  const limiters = { ip: { ...FIVE, limit: 3 }, account: { ...FIVE, limit: 2 } };

  it("are decided together", async () => {
    await using lab = new Lab(limiters, {
      limiter: [{ limiter: "ip" }, { limiter: "account", key: byHeader("account"), cost: 2 }],
    });
    const ask = (account: string) => lab.guard.admit(request({ headers: { account } }));
    assert.equal((await ask("a")).allowed, true);
    const denied = await ask("a");
    assert.deepEqual(JSON.parse(denied.body)["violated-policies"], ["account"]);
    assert.deepEqual(denied.decision?.limiter, "account");
    assert.equal(await lab.used("ip"), 1, "a refusal costs nothing");
    assert.equal((await ask("b")).allowed, true);
    assert.equal((await ask("c")).allowed, true);
    assert.deepEqual(JSON.parse((await ask("d")).body)["violated-policies"], ["ip"]);
  });

  it("wait together", async () => {
    await using lab = new Lab(limiters, {
      limiter: [{ limiter: "ip" }, { limiter: "account", key: false }],
      waitMs: 60_000,
    });
    for (let i = 0; i < 2; i++) await lab.guard.admit(request());
    const { allowed } = await lab.clock.runUntil(lab.guard.admit(request()));
    assert.equal(allowed, true);
  });
});

describe("cost", () => {
  it("is taken from the limit", async () => {
    await using lab = new Lab({ api: FIVE }, { cost: ({ method }) => method === "POST" ? 3 : 0.5 });
    await lab.guard.admit(request({ method: "POST" }));
    await lab.guard.admit(request());
    assert.equal(await lab.used("api"), 4);
    assert.equal((await lab.guard.admit(request({ method: "POST" }))).allowed, false);
  });

  it("of 0 is not checked", async () => {
    await using lab = new Lab({ api: FIVE }, { cost: () => 0 });
    const { allowed, decision, headers } = await lab.guard.admit(request());
    assert.deepEqual([allowed, decision, headers], [true, undefined, []]);
  });

  for (const cost of [NaN, -1, Infinity, "3", undefined]) {
    it(`of ${cost} counts as 1, and is reported`, async () => {
      await using lab = new Lab({ api: FIVE }, { cost: () => cost as number });
      await lab.guard.admit(request());
      assert.equal(await lab.used("api"), 1);
      assert.deepEqual(lab.errors.map(([kind]) => kind), ["cost"]);
    });
  }

  it("that throws counts as 1, and is reported", async () => {
    await using lab = new Lab({ api: FIVE }, { cost: () => Promise.reject(new Error("no body")) });
    await lab.guard.admit(request());
    assert.equal(await lab.used("api"), 1);
    assert.deepEqual(lab.errors, [["cost", "no body"]]);
  });

  it("above what a limit can hold is denied without Retry-After", async () => {
    await using lab = new Lab({ api: FIVE }, { cost: () => 6 });
    const { allowed, status, headers, reason } = await lab.guard.admit(request());
    assert.deepEqual([allowed, status, reason], [false, 429, "cost"]);
    assert.equal(headers.some(([name]) => name === "Retry-After"), false, "waiting does not help");
  });
});

describe("settle", () => {
  it("counts failures only", async () => {
    await using lab = new Lab({ login: FIVE }, { settle: failuresOnly() });
    const outcomes = [{ status: 200 }, { status: 401 }, { status: 302 }, { error: new Error("x") }, { aborted: true }];
    for (const outcome of outcomes) {
      const admission = await lab.guard.admit(request());
      assert.equal(admission.isOpen, true);
      await admission.finish(outcome);
      await admission.finish({ status: 200 });
      assert.equal(admission.isOpen, false);
    }
    assert.equal(await lab.used("login"), 3);
  });

  it("does not change permits", async () => {
    await using lab = new Lab({ login: FIVE, slots: { maxConcurrent: 1 } }, {
      limiter: [{ limiter: "login" }, { limiter: "slots" }],
      settle: failuresOnly(),
    });
    for (let i = 0; i < 3; i++) await (await lab.guard.admit(request())).finish({ status: 200 });
    assert.equal(await lab.used("login"), 0);
    assert.deepEqual(lab.errors, []);
  });

  it("counts a request while it runs", async () => {
    await using lab = new Lab({ login: FIVE }, { settle: failuresOnly() });
    const running = [];
    for (let i = 0; i < 5; i++) running.push(await lab.guard.admit(request()));
    assert.equal((await lab.guard.admit(request())).allowed, false);
    for (const admission of running) await admission.finish({ status: 200 });
    assert.equal((await lab.guard.admit(request())).allowed, true);
  });

  it("counts bytes", async () => {
    await using lab = new Lab({ traffic: { limit: 100, windowMs: 60_000, algorithm: "fixed_window" } }, {
      settle: responseBytes(1_024),
    });
    await (await lab.guard.admit(request())).finish({ status: 200, bytes: 10_000 });
    assert.equal(await lab.used("traffic"), 10);
    await (await lab.guard.admit(request())).finish({ status: 200, bytes: 0 });
    await (await lab.guard.admit(request())).finish({ status: 200 });
    assert.equal(await lab.used("traffic"), 12);
    await (await lab.guard.admit(request())).finish({ status: 200, bytes: 1e9 });
    assert.equal((await lab.guard.admit(request())).allowed, false, "more than there is");
  });

  for (
    const [what, settle] of [["throws", () => Promise.reject(new Error("x"))], ["gives NaN", () => NaN], [
      "gives less than 0",
      () => -1,
    ]] as const
  ) {
    it(`that ${what} leaves the cost as it is, and is reported`, async () => {
      await using lab = new Lab({ api: FIVE }, { settle });
      await (await lab.guard.admit(request())).finish();
      assert.equal(await lab.used("api"), 1);
      assert.deepEqual(lab.errors.map(([kind]) => kind), ["settle"]);
    });
  }
});

describe("a slot", () => {
  it("is held until the request is finished, once", async () => {
    await using lab = new Lab({ api: { maxConcurrent: 2 } });
    const [first, second] = [await lab.guard.admit(request()), await lab.guard.admit(request())];
    const denied = await lab.guard.admit(request());
    assert.deepEqual([denied.allowed, denied.reason], [false, "concurrency"]);
    assert.equal(first.isOpen, true);
    await first.finish();
    await first.finish();
    assert.equal((await lab.guard.admit(request())).allowed, true);
    assert.equal((await lab.guard.admit(request())).allowed, false);
    await second.finish();
  });
});

describe("skip, allow and block", () => {
  it("skips the requests that skip names", async () => {
    await using lab = new Lab({ api: { ...FIVE, limit: 1 } }, {
      skip: ({ path }) => Promise.resolve(path === "/health"),
    });
    for (let i = 0; i < 3; i++) assert.equal((await lab.guard.admit(request({ url: "/health?x" }))).allowed, true);
    assert.equal(lab.reports.length, 0);
    assert.equal(await lab.used("api"), 0);
  });

  it("limits the request if skip fails", async () => {
    await using lab = new Lab({ api: { ...FIVE, limit: 1 } }, { skip: () => Promise.reject(new Error("x")) });
    assert.equal((await lab.guard.admit(request())).allowed, true);
    assert.equal((await lab.guard.admit(request())).allowed, false);
    assert.deepEqual(lab.errors[0], ["skip", "x"]);
  });

  it("knows networks and keys", async () => {
    await using lab = new Lab({ api: { ...FIVE, limit: 1 } }, {
      allow: { networks: ["198.51.100.0/24", "2001:db8::/32"], keys: ["ip:203.0.113.1"] },
      block: { networks: ["198.51.100.66"], keys: ["ip:203.0.113.2"] },
    });
    const ask = async (peer: string, forwarded?: string) => {
      const headers: Record<string, string> = forwarded === undefined ? {} : { "x-forwarded-for": forwarded };
      const answers = [];
      for (let i = 0; i < 2; i++) answers.push((await lab.guard.admit(request({ peer, headers }))).status);
      return answers;
    };
    assert.deepEqual(await ask("198.51.100.7"), [200, 200]);
    assert.deepEqual(await ask("2001:db8::7"), [200, 200]);
    assert.deepEqual(await ask("203.0.113.1"), [200, 200]);
    assert.deepEqual(await ask("198.51.100.66"), [403, 403]);
    assert.deepEqual(await ask("203.0.113.2"), [403, 403]);
    assert.deepEqual(await ask("203.0.113.3", "198.51.100.7"), [200, 429], "who is no proxy is not believed");
    assert.deepEqual(await ask("10.0.0.1", "198.51.100.66"), [403, 403], "who is one is");
    const { body, headers } = await lab.guard.admit(request({ peer: "198.51.100.66" }));
    assert.deepEqual(JSON.parse(body), { type: "about:blank", title: "Forbidden", status: 403 });
    assert.deepEqual(headers, [["Content-Type", "application/problem+json"]]);
    assert.equal(lab.reports.at(-1)?.reason, "blockList");
  });
});

describe("a block list", () => {
  it("is stronger than an allow list, and than a cost of 0", async () => {
    await using lab = new Lab({ api: FIVE }, {
      cost: () => 0,
      key: byHeader("account"),
      allow: { networks: [CLIENT], keys: ["account:a"] },
      block: { keys: ["account:a", "account:b"] },
    });
    const ask = async (account: string) => (await lab.guard.admit(request({ headers: { account } }))).status;
    assert.deepEqual([await ask("a"), await ask("b"), await ask("c")], [403, 403, 200]);
  });
});

describe("a dry run", () => {
  it("decides and reports, but denies no request and sets no headers", async () => {
    await using lab = new Lab({ api: { ...FIVE, limit: 1 } }, {
      dryRun: true,
      waitMs: 1_000,
      block: { networks: ["1.1.1.1"] },
    });
    for (const reason of [undefined, "rate", "rate"]) {
      const admission = await lab.guard.admit(request());
      assert.deepEqual([admission.allowed, admission.headers, admission.reason], [true, [], reason]);
    }
    assert.equal((await lab.guard.admit(request({ peer: "1.1.1.1" }))).allowed, true);
    assert.deepEqual(lab.reports.map(({ reason, dryRun }) => [reason, dryRun]), [
      [undefined, true],
      ["rate", true],
      ["rate", true],
      ["blockList", true],
    ]);
    assert.equal(lab.rs.metrics("api").totalDenials, 2);
  });
});

describe("waiting", () => {
  it("lets a request wait up to waitMs", async () => {
    await using lab = new Lab({ api: { ratePerSecond: 1 } }, { waitMs: 1_000 });
    await lab.guard.admit(request());
    const second = lab.guard.admit(request());
    const third = lab.guard.admit(request());
    assert.equal((await third).allowed, false, "which is two seconds away");
    assert.equal((await lab.clock.runUntil(second)).allowed, true);
  });

  it("gives its place back when the client leaves", async () => {
    await using lab = new Lab({ api: { maxConcurrent: 1 } }, { waitMs: 10_000 });
    const first = await lab.guard.admit(request());
    const controller = new AbortController();
    const second = lab.guard.admit(request({ signal: controller.signal }));
    const third = lab.guard.admit(request());
    await lab.clock.advance(0);
    controller.abort();
    const { allowed, reason } = await second;
    assert.deepEqual([allowed, reason], [false, "aborted"]);
    await first.finish();
    assert.equal((await third).allowed, true);
  });
});

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
    ["settling with slots alone", { limiter: "slots", rateSync: rs, settle: () => 0 }, "settle", /only slots/],
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
