import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, it } from "node:test";

import type { Browser, Page } from "playwright-core";

import { startBrowser } from "../../scripts/dashboard/chromium.ts";
import { reportPage } from "../../src/simulate/report/page.ts";
import { replayAll, type Request, START_MS, textOf } from "./_logs.ts";

const HOSTILE =
  `<img src="https://foreign.example/x" onerror="document.title='broken'"><script>document.title='broken'</script>`;

/** What axe finds. */
interface Findings {
  readonly violations: readonly { readonly id: string; readonly impact: string }[];
}

describe("the page of a replay in Chromium", () => {
  let browser: Browser;
  let html: string;

  before(async () => {
    const requests = Array.from({ length: 200 }, (_, i): Request => {
      const user = i % 3 === 0 ? HOSTILE : `user-${i % 5}`;
      return { atMs: START_MS + i * 60_000, address: "10.0.0.1", user, target: `/${HOSTILE}/${i}` };
    });
    const limit = (count: number) => ({ algorithm: "fixed_window", limit: count, windowMs: 36e5 }) as const;
    html = reportPage(
      await replayAll(`${textOf("json", requests)}${HOSTILE}\n`, {
        limiters: { api: limit(5), [HOSTILE]: limit(2) },
        against: { api: limit(9), [HOSTILE]: limit(2) },
        key: ["user"],
      }),
    );
    browser = await startBrowser();
  });
  after(() => browser?.close());

  /** Opens the page, and notes what it asks of others and writes to the console. */
  async function open(colorScheme: "light" | "dark", bypassCSP: boolean): Promise<[page: Page, complaints: string[]]> {
    const page = await browser.newPage({ colorScheme, bypassCSP });
    const complaints: string[] = [];
    page.on("console", (message) => complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("request", (request) => complaints.push(request.url()));
    await page.setContent(html);
    return [page, complaints];
  }

  it("asks nothing of others, runs no script, and shows keys, paths and lines as text", async () => {
    const [page, complaints] = await open("light", false);
    assert.match(await page.title(), /^Replay of access\.log$/);
    assert.equal(await page.locator("img, script").count(), 0);
    assert.equal(await page.getByRole("heading", { name: HOSTILE, exact: true }).count(), 1);
    assert.equal(await page.getByRole("cell", { name: HOSTILE, exact: true }).count(), 4);
    assert.equal(await page.locator("svg").count(), 2);
    const fill = (name: string) => page.locator(`svg .${name}`).first().evaluate((it) => getComputedStyle(it).fill);
    assert.equal(new Set([await fill("allowed"), await fill("denied"), await fill("newly")]).size, 3);
    assert.deepEqual(complaints, []);
  });

  it("is readable for people who use a screen reader, light and dark", async () => {
    const axe = await readFile("node_modules/axe-core/axe.min.js", "utf8");
    for (const colorScheme of ["light", "dark"] as const) {
      const [page] = await open(colorScheme, true);
      await page.evaluate(axe);
      const { violations } = await page.evaluate("axe.run()") as Findings;
      assert.deepEqual(violations.map(({ id, impact }) => `${impact}: ${id}`), [], colorScheme);
    }
  });
});
