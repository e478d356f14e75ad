/**
 * A process that follows commands, line by line: `acquire <name>`, `release <name>`, `close`. It prints
 * `granted <name> <fencing token> <instant by the clock of Redis>`, `released <name>`, `lost <name>`, `failed <name> <code>`.
 * A call that is granted adds its name to a list in Redis.
 *
 * @module
 */

import process from "node:process";
import { createInterface } from "node:readline";

import { type Permit, RateSyncError } from "../../mod.ts";
import { join } from "./_member.ts";

const { rs, raw, prefix, close } = await join<object>();
const permits = new Map<string, Permit>();
const [id] = Object.keys(rs.listLimiters()) as [string];

const input = createInterface({ input: process.stdin });
for await (const line of input) {
  const [verb, name = ""] = line.split(" ");
  if (verb === "acquire") void acquire(name);
  if (verb === "release") void release(name);
  if (verb === "close") break;
}
input.close();
await close();
process.exit(0);

async function acquire(name: string): Promise<void> {
  try {
    const permit = await rs.acquire(id, { timeoutMs: 60_000 });
    permits.set(name, permit);
    permit.lost.addEventListener("abort", () => console.log(`lost ${name}`));
    await raw.send("RPUSH", `${prefix}:order`, name);
    const [seconds, us] = await raw.send("TIME") as [string, string];
    console.log(`granted ${name} ${permit.fencingToken ?? 0} ${Number(seconds) * 1e6 + Number(us)}`);
  } catch (error) {
    console.log(`failed ${name} ${RateSyncError.is(error) ? error.code : error}`);
  }
}

async function release(name: string): Promise<void> {
  await permits.get(name)?.release();
  console.log(`released ${name}`);
}
