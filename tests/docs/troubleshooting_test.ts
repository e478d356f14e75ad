import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { describe, it } from "node:test";

import { refusalReason } from "../../src/stores/redis/refusal.ts";

/** Of the operating system and of Redis: no part of this package writes them. */
const OF_OTHERS = /^(?:connect ECONNREFUSED|getaddrinfo ENOTFOUND|TRYAGAIN|ERR max requests limit)/;

/** The texts of the sources: parts of one text joined, and what is filled in as `#`. */
async function texts(): Promise<string> {
  const names = (await readdir("src", { recursive: true })).filter((name) => name.endsWith(".ts"));
  const sources = await Promise.all(names.map((name) => readFile(`src/${name}`, "utf8")));
  return sources.join("\n").replaceAll(/["`]\s*\+\s*["`]/g, "").replaceAll(/\$\{[^}]*\}/gs, "#").replaceAll('\\"', '"');
}

/** The messages in the first cells of the tables. */
async function messages(): Promise<string[]> {
  const page = await readFile("docs/redis/troubleshooting.md", "utf8");
  const tables = page.split("## Without an error")[0]?.split("## `STORE_UNAVAILABLE`")[1] ?? "";
  const cells = tables.split("\n").filter((line) => line.startsWith("| `")).map((line) => line.split(" | ")[0] ?? "");
  return cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, message = ""]) => message));
}

/** What stands between the parts that differ: values, and what the page leaves out. */
function partsOf(message: string): string[] {
  const parts = message.replaceAll(/\d{3,}|"[^"]*"|\([^)]*\)|\[\.\.\.\]/g, "...").split(/\.\.\.|; |, or |: /);
  return parts.map((part) => part.trim()).filter((part) => part.length > 8);
}

describe("docs/redis/troubleshooting.md", () => {
  it("has messages that Redis sends and the store understands, or that the sources hold", async () => {
    const sources = await texts();
    const found = await messages();
    assert.ok(found.length > 40, `only ${found.length} messages were found`);
    const unknown = found.filter((message) => {
      if (OF_OTHERS.test(message) || refusalReason(message) !== undefined) return false;
      return !partsOf(message).every((part) => sources.includes(part));
    });
    assert.deepEqual(unknown, []);
  });
});
