import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import { gunzipSync } from "node:zlib";

import { ConfigError, createRateSync, type RateSync } from "../../mod.ts";
import { createDashboard, type Dashboard, type DashboardOptions } from "../../src/dashboard/mod.ts";
import type { View } from "../../src/dashboard/view.ts";
import { send } from "../serve/_client.ts";
import { serveNode } from "../http/_servers.ts";

const OWN = { "content-type": "application/json", "x-ratesync-dashboard": "1" };

function newInstance(): RateSync<"login"> {
  return createRateSync({ limiters: { login: { algorithm: "fixed_window", limit: 1, windowMs: 60_000 } } });
}

async function withDashboard(
  options: DashboardOptions,
  test: (dashboard: Dashboard, rs: RateSync<"login">) => Promise<void>,
): Promise<void> {
  await using rs = newInstance();
  const dashboard = createDashboard(rs, options);
  try {
    await test(dashboard, rs);
  } finally {
    dashboard.close();
  }
}

function get(dashboard: Dashboard, path: string, headers: Record<string, string> = {}): Promise<Response> {
  return dashboard(new Request(`http://localhost${path}`, { headers }));
}

function post(
  dashboard: Dashboard,
  path: string,
  body: unknown,
  headers: Record<string, string> = OWN,
): Promise<Response> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return dashboard(new Request(`http://localhost${path}`, { method: "POST", headers, body: text }));
}

/** The events of a stream, until there is one of the name for which `isLast` holds. */
async function events(response: Response, isLast: (name: string, data: never) => boolean): Promise<string[]> {
  const reader = (response.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream() as never)
    .getReader();
  const names: string[] = [];
  let text = "";
  for (;;) {
    const { done, value } = await reader.read() as { done: boolean; value: string };
    if (done) return names;
    text += value;
    for (let end = text.indexOf("\n\n"); end !== -1; end = text.indexOf("\n\n")) {
      const [, name, data] = /^event: (\w+)\ndata: (.*)$/s.exec(text.slice(0, end)) ?? [];
      text = text.slice(end + 2);
      if (name === undefined) continue;
      names.push(name);
      if (!isLast(name, JSON.parse(data as string) as never)) continue;
      await reader.cancel();
      return names;
    }
  }
}

describe("createDashboard()", () => {
  it("serves one page, whose policy allows its own script and style and nothing else", async () => {
    await withDashboard({}, async (dashboard) => {
      const response = await get(dashboard, "/", { "accept-encoding": "br, gzip" });
      assert.equal(response.headers.get("content-encoding"), "gzip");
      const page = gunzipSync(new Uint8Array(await response.arrayBuffer())).toString();
      assert.equal(await (await get(dashboard, "/")).text(), page);
      assert.equal(await (await get(dashboard, "/", { "accept-encoding": "gzip;q=0" })).text(), page);
      const policy = response.headers.get("content-security-policy") ?? "";
      assert.match(policy, /^default-src 'none'; script-src 'sha256-\S+'; style-src 'sha256-\S+'; connect-src 'self'/);
      assert.doesNotMatch(policy, /unsafe|https?:|\*/);
      for (const name of ["style", "script"]) {
        const [, content = ""] = new RegExp(`<${name}[^>]*>(.*?)</${name}>`, "s").exec(page) ?? [];
        const hash = createHash("sha256").update(content).digest("base64");
        assert.ok(policy.includes(`${name}-src 'sha256-${hash}'`), `the hash of the ${name} is another one`);
      }
      assert.match(page, /preact: Copyright .*\nuplot: Copyright .*\nThe MIT License/);
      const etag = response.headers.get("etag") ?? "";
      assert.equal((await get(dashboard, "/", { "if-none-match": etag })).status, 304);
    });
  });

  it("sends the configuration and what happens, to every page that is open, and stops with the last", async () => {
    await withDashboard({ title: "Mine", basePath: "/limits/" }, async (dashboard, rs) => {
      const streams = [await get(dashboard, "/limits/events"), await get(dashboard, "/limits/events")];
      const calls = setInterval(() => void rs.tryAcquire("login", { key: "a" }), 20);
      const read = streams.map((stream) =>
        events(stream, (name, { limiters }: { limiters: { deniedPerSecond: { rate?: number } }[] }) => {
          return name === "view" && (limiters[0]?.deniedPerSecond.rate ?? 0) > 0;
        })
      );
      for (const names of await Promise.all(read)) assert.deepEqual(names.slice(0, 2), ["points", "config"]);
      clearInterval(calls);
    });
  });

  it("shows this process alone, and why, while its store is away", async () => {
    const store = "away";
    await using rs = createRateSync({
      logger: false,
      stores: { [store]: { engine: "redis", url: "redis://127.0.0.1:1" } }, // no server listens there
      limiters: { login: { store, limit: 1, windowMs: 60_000 } },
    });
    const dashboard = createDashboard(rs);
    const calls = setInterval(() => void rs.tryAcquire("login", { key: "a" }), 20);
    let seen: View | undefined;
    await events(await get(dashboard, "/events"), (name, view: View) => {
      seen = view;
      return name === "view" && (view.limiters[0]?.degradedPerSecond ?? 0) > 0;
    });
    clearInterval(calls);
    dashboard.close();
    assert.equal(seen?.stores[0]?.isLocal, true);
    assert.equal(seen?.stores[0]?.state, "down");
    assert.match(seen?.stores[0]?.problem ?? "", /127\.0\.0\.1:1/);
    assert.equal(seen?.limiters[0]?.topDenials[0]?.key, "a");
  });

  it("explains a key", async () => {
    await withDashboard({}, async (dashboard, rs) => {
      await rs.tryAcquire("login", { key: "a" });
      const answer = await (await post(dashboard, "/explain", { limiter: "login", key: "a" })).json();
      assert.equal(answer.explanation.allowed, false);
      assert.match(answer.text, /login/);
      const unknown = await (await post(dashboard, "/explain", { limiter: "logn" })).json();
      assert.equal(unknown.nearest, "login");
    });
  });

  it("changes nothing without allowChanges, and with it only for its own page", async () => {
    const block = { action: "block", limiter: "login", key: "a", durationMs: 60_000 };
    await withDashboard({}, async (dashboard, rs) => {
      const refused = await post(dashboard, "/change", block);
      assert.equal(refused.status, 422);
      assert.match((await refused.json()).detail, /without allowChanges/);
      assert.equal((await rs.peek("login", { key: "a" })).allowed, true);
    });
    await withDashboard({ allowChanges: true }, async (dashboard, rs) => {
      const others: Record<string, string>[] = [
        { "content-type": "application/json" },
        { ...OWN, "sec-fetch-site": "cross-site" },
        { ...OWN, "sec-fetch-site": "same-site" },
        { ...OWN, origin: "https://evil.example", host: "localhost" },
        { ...OWN, origin: "null", host: "localhost" },
      ];
      for (const headers of others) {
        const refused = await post(dashboard, "/change", block, headers);
        const { code, title, detail } = await refused.json();
        assert.deepEqual([refused.status, code], [403, "HOST_REFUSED"]);
        assert.match(
          `${title}: ${detail}`,
          /host or page are refused: .* expected x-ratesync-dashboard: 1, and an Origin/,
        );
      }
      assert.equal((await post(dashboard, "/change", block, { ...OWN, "content-type": "text/plain" })).status, 415);
      assert.equal((await rs.peek("login", { key: "a" })).allowed, true);
      assert.equal((await post(dashboard, "/change", { ...block, action: "delete" })).status, 400);
      assert.deepEqual(await (await post(dashboard, "/change", block)).json(), { done: "block" });
      assert.equal((await rs.peek("login", { key: "a" })).reason, "blocked");
      await post(dashboard, "/change", { action: "unblock", limiter: "login", key: "a" });
      await rs.tryAcquire("login", { key: "a" });
      await post(dashboard, "/change", { action: "reset", limiter: "login", key: "a" });
      assert.equal((await rs.peek("login", { key: "a" })).allowed, true);
    });
  });

  it("answers what it cannot do with a problem", async () => {
    await withDashboard({ basePath: "/limits", maxVisitors: 1 }, async (dashboard) => {
      const codeOf = async (response: Promise<Response>) => (await (await response).json()).code;
      assert.equal(await codeOf(get(dashboard, "/")), "PATH_NOT_FOUND");
      assert.equal(await codeOf(get(dashboard, "/limitsandmore")), "PATH_NOT_FOUND");
      assert.equal(await codeOf(get(dashboard, "/limits/constructor")), "PATH_NOT_FOUND");
      assert.equal(await codeOf(get(dashboard, "/limits/explain")), "METHOD_NOT_ALLOWED");
      assert.equal(await codeOf(post(dashboard, "/limits/explain", "{")), "BODY_INVALID");
      assert.equal(await codeOf(post(dashboard, "/limits/explain", `"${"x".repeat(500_000)}"`)), "BODY_TOO_LARGE");
      const first = await get(dashboard, "/limits/events");
      assert.equal(await codeOf(get(dashboard, "/limits/events")), "TOO_MANY_CONNECTIONS");
      await first.body?.cancel();
      const next = await get(dashboard, "/limits/events");
      assert.equal(next.status, 200);
      await next.body?.cancel();
    });
    await using rs = newInstance();
    for (const options of [{ basePath: "limits" }, { title: "" }, { token: "short" }, { base: "/" }]) {
      assert.throws(() => createDashboard(rs, options as DashboardOptions), ConfigError);
    }
  });

  it("shows nothing without the token, and takes it for a cookie that scripts cannot read", async () => {
    const token = "correct-horse-battery-staple";
    await withDashboard({ token }, async (dashboard) => {
      assert.equal((await get(dashboard, "/events")).status, 401);
      assert.equal((await post(dashboard, "/explain", { limiter: "login" })).status, 401);
      assert.equal((await post(dashboard, "/session", { token: "another-token-of-16" })).status, 401);
      const session = await post(dashboard, "/session", { token });
      assert.equal(session.status, 204);
      const cookie = session.headers.get("set-cookie") ?? "";
      assert.match(cookie, /^ratesync_dashboard=[0-9a-f]{64}; HttpOnly; SameSite=Strict; Path=\/$/);
      assert.equal((await get(dashboard, "/events", { cookie: "ratesync_dashboard=0" })).status, 401);
      const events = await get(dashboard, "/events", { cookie: `a=b; ${cookie.split(";")[0]}` });
      assert.equal(events.status, 200);
      await events.body?.cancel();
    });
  });

  it("works on node:http: behind a parser or not, with a stream that ends when the client leaves", async () => {
    await withDashboard({}, async (dashboard) => {
      await using server = await serveNode((request, response) => {
        if (request.headers["x-parsed"]) Object.assign(request, { body: { limiter: "login" } });
        void dashboard.node(request, response);
      });
      const body = { limiter: "login", key: "ä" };
      const asked = await send(server.url, "/explain", { method: "POST", headers: OWN, body });
      assert.equal(asked.body.explanation.limiters[0].key, "ä");
      const parsed = await send(server.url, "/explain", {
        method: "POST",
        headers: { ...OWN, "x-parsed": "1" },
        body: "",
      });
      assert.equal(parsed.body.explanation.allowed, true);
      const large = await send(server.url, "/explain", { method: "POST", headers: OWN, body: "x".repeat(600_000) })
        .catch(() => undefined); // some runtimes end the connection while the client sends
      if (large !== undefined) assert.equal(large.status, 413);
      const stream = await fetch(`${server.url}//x/../events?a#b`);
      assert.equal(stream.headers.get("content-type"), "text/event-stream; charset=utf-8");
      assert.deepEqual(await events(stream, (name) => name === "config"), ["points", "config"]);
    });
  });
});
