/**
 * Replays a long access log whose right answer is known, and compares all that `simulate()` reports with it: by limiter, key,
 * hour and path. The log goes through a pipe, so it takes no room.
 *
 *     npm run replay                            ten million lines, each limiter by itself and all together
 *     npm run replay -- --lines 100000          fewer
 *     npm run replay -- --keys 1000000          of more clients; the default is 10 000
 *     npm run replay -- sliding                 one of bucket, fixed, counter, sliding, all
 *
 * It ends with code 1 if an answer is wrong, and prints lines a second of processor time, and the most memory.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { text as textOf } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { accessLog, type KnownAnswer, LIMITERS } from "../bench/_access_log.ts";
import type { Replayed } from "../bench/_simulate_worker.ts";

/** All limiters in one replay. */
const ALL = "all";

process.exitCode = await main();

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { lines: { type: "string", default: "10000000" }, keys: { type: "string", default: "10000" } },
  });
  const known = [...Object.keys(LIMITERS), ALL];
  const strange = positionals.find((name) => !known.includes(name));
  const [lines, keys] = [Number(values.lines), Number(values.keys)];
  if (strange !== undefined || ![lines, keys].every((count) => Number.isSafeInteger(count) && count > 0)) {
    console.error(`Cannot replay: expected whole numbers of --lines and --keys, and any of ${known.join(", ")}`);
    return 2;
  }
  let failed = 0;
  for (const name of positionals.length > 0 ? positionals : known) {
    const { answer, replayed } = await replay(lines, keys, name === ALL ? [] : [name]);
    const { cpuMs, maxBytes } = replayed;
    const problems = problemsOf(answer, replayed);
    const speed = Math.round(replayed.lines / cpuMs * 1_000);
    const memory = `${(maxBytes / 1e6).toFixed(0)} MB`;
    console.log(
      `${name}: ${replayed.lines} lines, ${answer.denied} denied, ${speed} lines/s of processor time, ${memory}`,
    );
    for (const problem of problems) console.error(`FAILED: ${name}: ${problem}`);
    failed += problems.length;
  }
  return failed === 0 ? 0 : 1;
}

/** Replays a log in a process of its own, while this one writes it. */
async function replay(lines: number, keys: number, limiters: readonly string[]) {
  const worker = fileURLToPath(new URL("../bench/_simulate_worker.js", import.meta.url));
  const child = spawn(process.execPath, [worker, "-", ...limiters], { stdio: ["pipe", "pipe", "inherit"] });
  const [output, ended] = [textOf(child.stdout), once(child, "exit")];
  const { text, answer } = accessLog({ lines, keys });
  for (const part of text) {
    if (!child.stdin.write(part)) await Promise.race([once(child.stdin, "drain"), ended]);
    if (child.exitCode !== null) throw new Error(`Cannot replay: the program has ended with code ${child.exitCode}`);
  }
  child.stdin.end();
  const replayed = JSON.parse(await output) as Replayed;
  await ended;
  return { answer, replayed };
}

/** What is not as it has to be. */
function problemsOf(answer: KnownAnswer, { limiters, ...counts }: Replayed): string[] {
  const lines = answer.requests + answer.garbage;
  const numbers = {
    requests: answer.requests,
    denied: answer.denied,
    keys: answer.keys,
    unparsed: answer.garbage,
    lines,
  };
  const problems = Object.entries(numbers)
    .filter(([name, count]) => counts[name as keyof typeof numbers] !== count)
    .map(([name, count]) => `${counts[name as keyof typeof numbers]} ${name}, not ${count}`);
  for (const limiter of limiters) {
    for (const by of ["byKey", "byHour", "byPath"] as const) {
      const found = new Map(limiter[by]);
      const wrong = [...answer[by]].find(([name, count]) => found.get(name) !== count);
      if (wrong === undefined && found.size === answer[by].size) continue;
      const [name, count] = wrong ?? ["names", answer[by].size];
      problems.push(`${limiter.name} ${by}: ${found.get(name) ?? found.size} for ${name}, not ${count}`);
    }
  }
  return problems;
}
