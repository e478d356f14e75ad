import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { freePort } from "../../scripts/_free_port.ts";
import { ALL, prometheusName } from "../../src/telemetry/instruments.ts";
import { startWorker, type Worker } from "../_support/processes.ts";
import { type RedisProcess, startRedisAt } from "../stores/redis/_servers.ts";
import { checkMetrics, needPrometheus, type Prometheus, promtool, startPrometheus } from "./_prometheus.ts";

/** How often Prometheus reads and decides, in milliseconds. */
const EVERY_MS = 250;

/** Of four processes, one has another rate. */
const RATES = [5, 5, 5, 8];

const RULES = "deploy/prometheus/ratesync.rules.yml";
const GRAFANA = "deploy/grafana/ratesync.json";

/** What Grafana puts in place of its variables. */
const VARIABLES: Readonly<Record<string, string>> = {
  $__rate_interval: "5s",
  $__range: "20s",
  $job: "app",
  $limiter: ".*",
  $store: ".*",
};

interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

/** Asks until an answer holds; fails with the last one. */
async function until<Answer>(
  ask: () => Promise<Answer>,
  holds: (answer: Answer) => boolean,
  ms = 30_000,
): Promise<Answer> {
  const endMs = performance.now() + ms;
  for (;;) {
    const answer = await ask();
    if (holds(answer)) return answer;
    assert.ok(performance.now() < endMs, `it does not hold of ${JSON.stringify(answer)}`);
    await sleep(EVERY_MS / 2);
  }
}

describe("A fleet of four processes that a Prometheus reads", () => {
  let redis: RedisProcess;
  let workers: Worker[] = [];
  let ports: number[] = [];
  let prometheus: Prometheus;

  before(async () => {
    await needPrometheus();
    redis = await startRedisAt(await freePort());
    workers = RATES.map((rate) => startWorker("telemetry/fleet_worker", [redis.url, String(rate)]));
    ports = await Promise.all(workers.map(async (worker) => Number(await worker.readLine())));
    // The same rules, with short times.
    const rules = (await readFile(RULES, "utf8")).replace(/for: \d+\w/g, "for: 500ms").replaceAll("[5m]", "[5s]");
    prometheus = await startPrometheus(ports.map((port) => `127.0.0.1:${port}`), rules, EVERY_MS);
  });

  after(async () => {
    await Promise.all([prometheus, redis, ...workers].map((each) => each?.[Symbol.asyncDispose]()));
  });

  const page = async (port: number) => await (await fetch(`http://127.0.0.1:${port}/`)).text();

  it("has rules and pages that promtool accepts, with every metric of the table", async () => {
    const { code, output } = await promtool("check", "rules", RULES);
    assert.equal(code, 0, output);
    await until(() => prometheus.query("up == 1"), (up) => up.length === RATES.length);
    await until(
      () => page(ports[0] as number),
      (text) => text.includes('ratesync_mixed_rules{store="main",limiter="api"}'),
    );
    const names = ALL.map(([, instrument]) => prometheusName(instrument));
    const missing = async () => {
      const text = await page(ports[0] as number);
      return names.filter((name) => !new RegExp(`^${name}(?:_count)?(?:\\{.*\\})? [0-9.e+-]+$`, "m").test(text));
    };
    await until(missing, (metrics) => metrics.length === 0);
    assert.equal(await checkMetrics(await page(ports[0] as number)), "");
  });

  it("answers every query of the Grafana dashboard", async () => {
    const { panels } = JSON.parse(await readFile(GRAFANA, "utf8")) as { panels: Panel[] };
    const queries = panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr })));
    assert.ok(queries.length > 20);
    for (const { title, expr } of queries) {
      const question = expr.replace(/\$\w+/g, (name) => VARIABLES[name] ?? name);
      const found = await until(() => prometheus.query(question), (answer) => answer.length > 0);
      assert.ok(found.every(({ value }) => !Number.isNaN(value) || expr.includes("histogram_quantile")), title);
    }
  });

  it("shows that one process has other rules", async () => {
    const [differs] = await until(
      () => prometheus.query("count by (limiter) (group by (limiter, rules) (ratesync_limiter_info)) > 1"),
      (found) => found.length > 0, // a scrape on a busy machine may be late
    );
    assert.deepEqual(differs, { metric: { limiter: "api" }, value: 2 });
    await until(
      () => prometheus.alerts(),
      (alerts) =>
        alerts.some(({ labels, state }) => labels["alertname"] === "RateSyncRulesDiffer" && state === "firing"),
    );
  });

  it("fires the alert of a store that is down when Redis is killed, and resolves it", async () => {
    const down = async () => {
      const alerts = await prometheus.alerts();
      return alerts.find(({ labels }) => labels["alertname"] === "RateSyncStoreDown");
    };
    assert.equal(await down(), undefined);
    await redis.stop();
    const alert = await until(down, (found) => found?.state === "firing");
    assert.deepEqual(alert?.labels, {
      alertname: "RateSyncStoreDown",
      job: "app",
      severity: "critical",
      store: "main",
    });
    const [degraded] = await until(
      () => prometheus.query('sum(increase(ratesync_degraded_requests_total{limiter="api"}[5s]))'),
      ([sum]) => (sum?.value ?? 0) > 0,
    );
    assert.ok(degraded);
    await redis.start();
    await until(down, (found) => found === undefined);
  });

  it("has counted in Prometheus what the processes have counted", async () => {
    for (const worker of workers) worker.endInput();
    const counts = await Promise.all(workers.map(async (worker) => {
      return JSON.parse(await worker.readLine()) as {
        totalAcquisitions: number;
        denialsByReason: Record<string, number>;
      };
    }));
    const sum = (of: (count: (typeof counts)[number]) => number) =>
      counts.reduce((total, count) => total + of(count), 0);
    const expected = {
      allowed: sum((count) => count.totalAcquisitions),
      rate: sum((count) => count.denialsByReason["rate"] ?? 0),
    };
    assert.ok(expected.allowed > 0 && expected.rate > 0, JSON.stringify(expected));
    const asked = async () => {
      const samples = await prometheus.query('sum by (result, reason) (ratesync_requests_total{limiter="api"})');
      const of = (label: string, name: string) => samples.find(({ metric }) => metric[label] === name)?.value;
      return { allowed: of("result", "allowed"), rate: of("reason", "rate") };
    };
    const isSame = ({ allowed, rate }: Awaited<ReturnType<typeof asked>>) =>
      allowed === expected.allowed && rate === expected.rate;
    assert.deepEqual(await until(asked, isSame), expected);
    const [denied] = await prometheus.query(
      'sum(ratesync_denied_requests_total{limiter="api", rule=~".*token_bucket"})',
    );
    assert.equal(denied?.value, expected.rate);
  });
});
