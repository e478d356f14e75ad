/**
 * How fast logs are replayed, and in how much memory.
 *
 * @module
 */

import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { finished } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

import { run } from "../scripts/_process.ts";
import { TemporaryFolder } from "../scripts/_temporary.ts";
import { accessLog, type KnownAnswer } from "./_access_log.ts";
import type { Replayed } from "./_simulate_worker.ts";
import { type BenchContext, claim, figure, type Report, type Row } from "./_report.ts";

/** What is replayed. */
const SUBJECTS: readonly (readonly [name: string, log: "plain" | "packed", limiters: readonly string[]])[] = [
  ["token bucket", "plain", ["bucket"]],
  ["sliding window", "plain", ["sliding"]],
  ["all four of these limiters", "plain", []],
  ["token bucket, gzip", "packed", ["bucket"]],
];

/** How often each is replayed. The median counts. */
const TRIES = 3;

/** Runs it. */
export async function simulate({ quick }: BenchContext): Promise<Report> {
  using folder = new TemporaryFolder("simulate");
  const logs = { plain: join(folder.path, "access.log"), packed: join(folder.path, "access.log.gz") };
  const keys = quick ? 100 : 10_000;
  const answer = await write(logs.plain, quick ? 500 : 500_000, keys);
  await writeFile(logs.packed, gzipSync(await readFile(logs.plain), { level: 1 }));
  const rows: Row[] = [];
  const speeds: number[] = [];
  for (const [name, log, limiters] of SUBJECTS) {
    const tries: Replayed[] = [];
    for (let i = 0; i < (quick ? 1 : TRIES); i++) tries.push(await replay(logs[log], limiters, answer));
    const { lines, cpuMs, maxBytes } = tries.toSorted((a, b) => a.cpuMs - b.cpuMs)[tries.length >> 1] as Replayed;
    speeds.push(lines / cpuMs * 1_000);
    rows.push({
      "combined log": name,
      "lines/s of processor time": lines / cpuMs * 1_000,
      "µs a line": cpuMs * 1_000 / lines,
      "most memory, MB": maxBytes / 1e6,
    });
  }
  return {
    about: `A log of ${figure(answer.requests)} requests by ${figure(keys)} clients, whose denials are known. ` +
      "Processor time of the process, with that of its garbage collector.",
    rows,
    claims: SUBJECTS.map(([name], i) => {
      const what = `ratesync simulate, ${name}: lines a second`;
      return claim({ what, better: "higher", unit: "", must: 200_000, aim: 400_000 }, speeds[i]);
    }),
    notes: [],
  };
}

async function write(file: string, lines: number, keys: number): Promise<KnownAnswer> {
  const { text, answer } = accessLog({ lines, keys });
  const stream = createWriteStream(file);
  for (const part of text) {
    if (!stream.write(part)) await once(stream, "drain");
  }
  stream.end();
  await finished(stream);
  return answer;
}

async function replay(file: string, limiters: readonly string[], answer: KnownAnswer): Promise<Replayed> {
  const worker = fileURLToPath(new URL(`./_simulate_worker${import.meta.url.slice(-3)}`, import.meta.url));
  const flags = "deno" in process.versions ? ["run", "--allow-all", "--no-check"] : [];
  const { code, output } = await run(process.execPath, [...flags, worker, file, ...limiters], { limitMs: 120_000 });
  if (code !== 0) throw new Error(`Cannot replay a log: ${output}`);
  const measured = JSON.parse(output) as Replayed;
  if (measured.requests !== answer.requests || measured.denied !== answer.denied) {
    throw new Error(`Cannot measure a replay that is wrong: ${measured.denied} denied, not ${answer.denied}`);
  }
  return measured;
}
