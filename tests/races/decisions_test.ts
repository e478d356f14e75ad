import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { extname } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

describe("npm run decisions", () => {
  it("finds that processes on NATS admit exactly what each limit allows", { timeout: 60_000 }, async () => {
    const script = fileURLToPath(new URL(`../../scripts/decisions${extname(import.meta.url)}`, import.meta.url));
    const args = ["--count", "12000", "--processes", "2", "--callers", "32"];
    const { stdout } = await promisify(execFile)(process.execPath, [script, ...args]);
    assert.match(stdout, /^12000 decisions by 2 processes .* 6 keys: 0 keys wrong, 0 calls without an answer/);
  });
});
