import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { createRateSync } from "@ratesync/core";
import {
  byApiKey,
  byHeader,
  createGuard,
  failuresOnly,
  firstOf,
  type GuardOptions,
  responseBytes,
} from "@ratesync/core/http";
import { CLIENT, FIVE, Lab, request } from "./_guard_lab.ts";

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
