/**
 * A real Prometheus, with a configuration and a folder of its own.
 *
 * @module
 */

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

import { freePort } from "../../scripts/_free_port.ts";
import { run } from "../../scripts/_process.ts";
import { TemporaryFolder } from "../../scripts/_temporary.ts";
import { installWithApt } from "../../scripts/_apt.ts";

/** One series of an answer. */
export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

/** An alert that is pending or firing. */
export interface Alert {
  readonly labels: Readonly<Record<string, string>>;
  readonly state: "pending" | "firing";
}

/** A Prometheus. Disposing it kills it. */
export interface Prometheus extends AsyncDisposable {
  /** Asks a question of PromQL. */
  query(expr: string): Promise<Sample[]>;
  /** The alerts at this moment. */
  alerts(): Promise<Alert[]>;
}

/**
 * Makes sure that the programs are there.
 *
 * @throws {Error} If they are not, and cannot be installed.
 */
export async function needPrometheus(): Promise<void> {
  const isThere = async () =>
    (await run("prometheus", ["--version"])).code === 0 && (await promtool("--version")).code === 0;
  if (await isThere()) return;
  const { problem } = await installWithApt("prometheus");
  if (await isThere()) return;
  throw new Error(
    `Cannot find prometheus and promtool on the PATH, nor install Debian's package prometheus: ${problem}`,
  );
}

/** Runs `promtool`. */
export function promtool(...args: readonly string[]): ReturnType<typeof run> {
  return run("promtool", args);
}

/** Runs `promtool check metrics` on a page. */
export async function checkMetrics(page: string): Promise<string> {
  const child = spawn("promtool", ["check", "metrics"]);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => output += chunk);
  child.stdin.end(page);
  const [code] = await once(child, "close");
  return code === 0 ? output : `${output}\nexit code ${code}`;
}

/** Starts one that reads the targets, such as `127.0.0.1:3000`, and alerts by the rules. */
export async function startPrometheus(targets: readonly string[], rules: string, everyMs: number): Promise<Prometheus> {
  const folder = new TemporaryFolder("prometheus");
  const port = await freePort();
  await writeFile(join(folder.path, "rules.yml"), rules);
  await writeFile(
    join(folder.path, "prometheus.yml"),
    JSON.stringify({
      global: { scrape_interval: `${everyMs}ms`, evaluation_interval: `${everyMs}ms` },
      rule_files: ["rules.yml"],
      scrape_configs: [{ job_name: "app", static_configs: [{ targets }] }],
    }),
  );
  const child = spawn("prometheus", [
    `--config.file=${join(folder.path, "prometheus.yml")}`,
    `--storage.tsdb.path=${join(folder.path, "data")}`,
    `--web.listen-address=127.0.0.1:${port}`,
    "--query.lookback-delta=10s",
    "--log.level=warn",
  ], { stdio: ["ignore", "ignore", "pipe"] });
  const stop = killer(child);
  let log = "";
  child.stderr?.on("data", (chunk) => log += chunk);

  const ask = async (path: string): Promise<{ data: Record<string, unknown> }> => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(5_000) });
    const body = await response.json();
    assert.equal(response.status, 200, JSON.stringify(body));
    return body as { data: Record<string, unknown> };
  };
  const untilMs = performance.now() + 20_000;
  while (!(await fetch(`http://127.0.0.1:${port}/-/ready`).catch(() => undefined))?.ok) {
    if (performance.now() > untilMs || child.exitCode !== null) throw new Error(`Prometheus does not start: ${log}`);
    await sleep(50);
  }
  return {
    async query(expr) {
      const { data } = await ask(`/api/v1/query?query=${encodeURIComponent(expr)}`);
      const result = data["result"] as { metric: Record<string, string>; value: [number, string] }[];
      return result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
    },
    async alerts() {
      return (await ask("/api/v1/alerts")).data["alerts"] as Alert[];
    },
    async [Symbol.asyncDispose]() {
      await stop();
      folder[Symbol.dispose]();
    },
  };
}

function killer(child: ChildProcess): () => Promise<void> {
  const kill = () => void child.kill("SIGKILL");
  process.once("exit", kill);
  return async () => {
    const ended = child.exitCode === null ? once(child, "exit") : undefined;
    kill();
    await ended;
    process.off("exit", kill);
  };
}
