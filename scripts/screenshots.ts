/**
 * Takes the pictures of docs/dashboard.md from the dashboard of a fleet under load: `npm run screenshots`. It needs
 * Chromium and a Redis.
 *
 * @module
 */

import { mkdir, writeFile } from "node:fs/promises";

import { startBrowser } from "./dashboard/chromium.ts";
import { DemoServer, newDemo } from "./dashboard/demo.ts";
import { obtainRedis } from "./redis/obtain.ts";

const FOLDER = "docs/images";

/** How long the load has run when the pictures are taken, in milliseconds. */
const LOAD_MS = 20_000;

/** The largest picture, in bytes. */
const MOST_BYTES = 80_000;

const redis = await obtainRedis();
const fleet = [5, 5, 7].map((limit) => newDemo(redis.url, "screenshots", limit));
const [first] = fleet as [ReturnType<typeof newDemo>];
const server = new DemoServer(first, [{ allowChanges: true, title: "Rate limits of the shop" }]);
await server.start();
const browser = await startBrowser();
const load = setInterval(step, 50);
let steps = 0;

try {
  await mkdir(FOLDER, { recursive: true });
  for (const colorScheme of ["light", "dark"] as const) {
    const page = await browser.newPage({ viewport: { width: 1_000, height: 720 }, colorScheme, locale: "en-GB" });
    await page.goto(server.url);
    await page.waitForTimeout(LOAD_MS);
    if (colorScheme === "light") await save("dashboard.png", await page.screenshot());
    else {
      await page.getByRole("button", { name: "203.0.113.7" }).first().click();
      await page.locator("pre").waitFor();
      await save("dashboard_explain.png", await page.getByRole("region", { name: "Explain a key" }).screenshot());
    }
    await page.close();
  }
} finally {
  clearInterval(load);
  await browser.close();
  await server[Symbol.asyncDispose]();
  await Promise.all(fleet.map((rs) => rs.close()));
  await redis.stop();
}

async function save(name: string, bytes: Uint8Array): Promise<void> {
  if (bytes.byteLength > MOST_BYTES) throw new Error(`${name} has ${bytes.byteLength} bytes, more than ${MOST_BYTES}`);
  await writeFile(`${FOLDER}/${name}`, bytes);
  console.log(`${FOLDER}/${name}: ${bytes.byteLength} bytes`);
}

/** A shop: steady calls of its users, uploads that wait, and one client that tries passwords in waves. */
function step(): void {
  steps++;
  for (const [i, rs] of fleet.entries()) {
    void rs.tryAcquire("api", { key: `user:${(steps * (i + 3)) % 17}` });
    if (steps % 4 === i) void rs.run("upload", () => new Promise((done) => setTimeout(done, 180))).catch(() => {});
  }
  if (steps % 120 < 50) void fleet[steps % 3]?.tryAcquire("login", { key: "203.0.113.7" });
  if (steps % 40 === 0) void fleet[2]?.tryAcquire("login", { key: "198.51.100.23" });
}
