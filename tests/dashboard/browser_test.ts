import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, it } from "node:test";

import type { Browser, Page } from "playwright-core";

import { startBrowser } from "../../scripts/dashboard/chromium.ts";
import { type Demo, DemoServer, newDemo } from "../../scripts/dashboard/demo.ts";
import { freshPrefix, redisUrl } from "../_support/redis.ts";

const TOKEN = "correct-horse-battery-staple";

/** Keys that clients may choose, to break the page or to mislead its reader. A process reports five of a limiter. */
const HOSTILE = [
  "<script>document.title = 'broken'</script>",
  "<img src=x onerror=\"document.title = 'broken'\">",
  "x".repeat(200),
  "🐘🇪🇺👩‍👩‍👧",
  "user\u202Egnp.exe",
];

describe("the dashboard in Chromium", () => {
  let browser: Browser;
  let here: Demo;
  let other: Demo;
  let server: DemoServer;
  let page: Page;
  /** What the page wrote to the console, and what it asked other servers. */
  const complaints: string[] = [];
  const foreign: string[] = [];

  before(async () => {
    const prefix = freshPrefix();
    here = newDemo(redisUrl(), prefix);
    other = newDemo(redisUrl(), prefix, 7);
    server = new DemoServer(here, [
      { basePath: "/locked", token: TOKEN },
      { basePath: "/limits", allowChanges: true, title: "Limits of the demo" },
    ]);
    await server.start();
    browser = await startBrowser();
    page = await open("/limits");
  });
  after(async () => {
    await browser?.close();
    await server?.[Symbol.asyncDispose]();
    await Promise.all([here?.close(), other?.close()]);
  });

  async function open(path: string): Promise<Page> {
    const context = await browser.newContext({ viewport: { width: 1_200, height: 900 }, reducedMotion: "reduce" });
    const opened = await context.newPage();
    opened.setDefaultTimeout(10_000);
    opened.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) complaints.push(message.text());
    });
    opened.on("pageerror", (error) => complaints.push(error.stack ?? error.message));
    opened.on("request", (request) => {
      if (!/^(data:|http:\/\/127\.0\.0\.1:)/.test(request.url())) foreign.push(request.url());
    });
    await opened.goto(server.url + path);
    return opened;
  }

  /** The value of a figure at the top. */
  function figure(name: string) {
    return page.locator(".figures > div").filter({ has: page.getByText(name, { exact: true }) }).locator("dd");
  }

  it("shows what the fleet does, and a burst of denials within two seconds", async () => {
    await page.getByRole("status").getByText("Live").waitFor();
    assert.equal(await page.title(), "Limits of the demo");
    // The processes learn that they are watched while they make calls.
    const calls = setInterval(() => {
      void here.tryAcquire("api");
      void other.tryAcquire("api", { key: "b" });
    }, 50);
    await page.getByRole("region", { name: "Processes" }).locator("tbody tr").nth(1).waitFor();
    clearInterval(calls);
    assert.equal(await figure("Denied a second").textContent(), "0");
    const startedMs = performance.now();
    await Promise.all(Array.from({ length: 200 }, () => other.tryAcquire("login", { key: "attacker" })));
    await page.waitForFunction(() => document.querySelector("dd.bad") !== null, undefined, { polling: 50 });
    const tookMs = performance.now() - startedMs;
    assert.ok(tookMs < 2_000, `the burst was shown after ${tookMs} ms`);
    const row = page.getByRole("region", { name: "Limiters" }).getByRole("row").filter({ hasText: "login" });
    assert.match(await row.textContent() ?? "", /rate \d/);
    await page.getByRole("button", { name: "attacker" }).first().waitFor();
  });

  it("warns of processes that have different rules for a limiter", async () => {
    const warnings = page.getByRole("region", { name: "Warnings" });
    await warnings.waitFor();
    const text = await warnings.textContent() ?? "";
    assert.match(text, /different rules for limiter login/);
    assert.match(text, /sliding_window 5 in 300000 ms.*sliding_window 7 in 300000 ms|7 in 300000 ms.*5 in 300000 ms/s);
  });

  it("shows hostile keys as text, and explains the one that is chosen", async () => {
    for (const key of HOSTILE) {
      await Promise.all(Array.from({ length: 300 }, () => here.tryAcquire("login", { key })));
    }
    for (const key of HOSTILE) {
      const button = page.getByRole("button", { name: key, exact: true }).last();
      await button.waitFor();
      assert.equal(await button.textContent(), key);
    }
    await page.getByRole("button", { name: HOSTILE[0] as string, exact: true }).last().click();
    const text = page.locator("pre");
    await text.getByText("denied", { exact: false }).first().waitFor();
    assert.match(await text.textContent() ?? "", /document\.title = 'broken'/);
    assert.equal(await page.getByLabel("Key (empty").inputValue(), HOSTILE[0]);
    assert.equal(await page.title(), "Limits of the demo");
    assert.equal(await page.locator("main script, main img").count(), 0);
  });

  it("is used by the keyboard alone: chooses a limiter, explains a key, blocks it after a question", async () => {
    const press = async (...keys: string[]) => {
      for (const key of keys) await page.keyboard.press(key);
    };
    const focused = async (what: string) => {
      for (let i = 0; i < 60; i++) {
        await press("Tab");
        const name = await page.evaluate(() => {
          const { activeElement: it } = document;
          return it instanceof HTMLInputElement ? it.labels?.[0]?.textContent ?? "" : it?.textContent ?? "";
        });
        if (!name.startsWith(what)) continue;
        const outline = await page.evaluate(() => getComputedStyle(document.activeElement as Element).outlineWidth);
        return assert.notEqual(outline, "0px", `${what} does not show that it has the focus`);
      }
      assert.fail(`${what} is not reached by the Tab key`);
    };
    await page.evaluate(() => (document.activeElement as HTMLElement).blur());
    await focused("upload");
    await press("Enter");
    assert.equal(await page.getByRole("button", { name: "upload", pressed: true }).count(), 1);
    await press("Enter");
    await focused("Key (empty");
    await press("ControlOrMeta+a");
    await page.keyboard.type("user:42");
    await press("Enter");
    await page.locator("pre").getByText("user:42").waitFor();
    await focused("Block…");
    await press("Enter");
    await page.getByRole("dialog", { name: "Deny every call for this key?" }).waitFor();
    await press("Escape");
    assert.equal(await page.getByRole("dialog").count(), 0);
    await press("Enter");
    await focused("Yes, block");
    await press("Enter");
    await page.getByText("Done: block.").waitFor();
    const limiter = await page.locator("select").inputValue();
    const { reason } = await here.peek(limiter as "api", { key: "user:42" });
    assert.equal(reason, "blocked");
  });

  it("has no serious finding of axe, light and dark, nor with a dialog open", async () => {
    const axe = await readFile("node_modules/axe-core/axe.min.js", "utf8");
    for (const details of await page.locator("summary").all()) await details.click();
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      assert.deepEqual(await findings(axe), []);
    }
    await page.getByRole("button", { name: "Reset…" }).click();
    assert.deepEqual(await findings(axe), []);
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.emulateMedia({ colorScheme: "light" });
  });

  /** What axe finds that is serious. */
  async function findings(axe: string): Promise<string[]> {
    await page.evaluate(axe);
    const { violations } = await page.evaluate("axe.run()") as {
      violations: { id: string; impact: string; nodes: { html: string }[] }[];
    };
    const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
    return serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join("\n")}`);
  }

  it("wants the token where there is one: in the address, or in a form", async () => {
    const locked = await open("/locked");
    await locked.getByLabel("Token").fill("not-the-token-of-it");
    await locked.getByRole("button", { name: "Show the dashboard" }).click();
    await locked.getByRole("alert").getByText("not this server's").waitFor();
    await locked.getByLabel("Token").fill(TOKEN);
    await locked.getByRole("button", { name: "Show the dashboard" }).click();
    await locked.getByRole("status").getByText("Live").waitFor();
    await locked.context().close();
    const linked = await open(`/locked#token=${TOKEN}`);
    await linked.getByRole("status").getByText("Live").waitFor();
    assert.ok(!linked.url().includes(TOKEN));
    await linked.context().close();
    // Chromium itself writes a line for each answer of 401.
    const own = complaints.splice(0).filter((text) => !/status of 401/.test(text));
    assert.deepEqual(own, []);
  });

  it("says since when its figures are stale while the connection is lost, and goes on by itself", async () => {
    await server.stop();
    await page.getByRole("status").getByText(/Connection lost: these figures are of \d\d:\d\d:\d\d/).waitFor({
      timeout: 3_000,
    });
    assert.equal(await page.getByRole("heading", { name: "Limiters", exact: true }).count(), 1);
    await server.start();
    await page.getByRole("status").getByText("Live").waitFor();
    const own = complaints.splice(0).filter((text) => !/net::ERR_/.test(text));
    assert.deepEqual(own, []);
  });

  it("asks no other server", () => {
    assert.deepEqual(foreign, []);
  });
});
