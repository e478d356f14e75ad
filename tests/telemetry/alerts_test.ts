import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { before, describe, it } from "node:test";

import { TemporaryFolder } from "../../scripts/_temporary.ts";
import { needPrometheus, promtool } from "./_prometheus.ts";

const RULES = "deploy/prometheus/ratesync.rules.yml";

/** Series with a value each minute, as promtool writes them: `0+60x20` rises by 60 each minute. */
type Series = Readonly<Record<string, string>>;

/** What keeps an alert silent, and what fires it. */
interface Case {
  readonly silent: Series;
  readonly firing: Series;
  /** The labels of the alert besides those of every other one. */
  readonly labels: Readonly<Record<string, string>>;
}

const api = { limiter: "api" };
const main = { store: "main" };

function calls(denied: number): Series {
  return {
    'ratesync_requests_total{result="allowed", limiter="api", job="app"}': `0+${100 - denied}x30`,
    'ratesync_requests_total{result="denied", reason="rate", limiter="api", job="app"}': `0+${denied}x30`,
  };
}

function average(name: string, label: string, sum: number): Series {
  return { [`${name}_sum{${label}, job="app"}`]: `0+${sum}x30`, [`${name}_count{${label}, job="app"}`]: "0+100x30" };
}

function state(name: string, value: string): Series {
  return { [`ratesync_store_state{state="${name}", store="main", job="app"}`]: value };
}

function rules(...all: readonly string[]): Series {
  const entries = all.map((
    rule,
    i,
  ) => [`ratesync_limiter_info{limiter="api", rules="${rule}", instance="${i}", job="app"}`, "1x30"]);
  return Object.fromEntries(entries);
}

const memory = (used: number): Series => ({
  'redis_memory_used_bytes{instance="redis"}': `${used}x30`,
  'redis_memory_max_bytes{instance="redis"}': "1000x30",
});
const waits = (seconds: number) => average("ratesync_request_time_in_queue_seconds", 'limiter="api"', 100 * seconds);
const storeCalls = (seconds: number) => average("ratesync_store_call_duration_seconds", 'store="main"', 100 * seconds);

const CASES: Readonly<Record<string, Case>> = {
  RateSyncStoreDown: { silent: state("down", "0x30"), firing: state("down", "1x30"), labels: main },
  RateSyncStoreImpaired: { silent: state("impaired", "0x30"), firing: state("impaired", "1x30"), labels: main },
  RateSyncStoreErrors: {
    silent: { ...calls(0), 'ratesync_store_errors_total{limiter="api", job="app"}': "0+0.9x30" },
    firing: { ...calls(0), 'ratesync_store_errors_total{limiter="api", job="app"}': "0+1.1x30" },
    labels: api,
  },
  RateSyncStoreSlow: { silent: storeCalls(0.009), firing: storeCalls(0.011), labels: main },
  RateSyncDenials: { silent: calls(9), firing: calls(11), labels: api },
  RateSyncLongWaits: { silent: waits(0.45), firing: waits(0.55), labels: api },
  RateSyncVeryLongWaits: { silent: waits(0.9), firing: waits(1.1), labels: api },
  RateSyncLostLeases: {
    silent: { 'ratesync_lost_request_leases_total{limiter="api", job="app"}': "5x30" },
    firing: { 'ratesync_lost_request_leases_total{limiter="api", job="app"}': "5x15 6x15" },
    labels: api,
  },
  RateSyncRulesDiffer: {
    silent: rules("1 per 1 s", "1 per 1 s"),
    firing: rules("1 per 1 s", "2 per 1 s"),
    labels: api,
  },
  RateSyncRedisMemory: { silent: memory(790), firing: memory(810), labels: { instance: "redis" } },
};

describe("The alert rules", () => {
  before(needPrometheus);

  it("each fire above their threshold, and not below", async () => {
    const text = await readFile(RULES, "utf8");
    const names = [...text.matchAll(/- alert: (\w+)/g)].map(([, name]) => name);
    assert.deepEqual(names, Object.keys(CASES));
    const rule = (name: string) => text.slice(text.indexOf(`- alert: ${name}\n`)).split("- alert: ")[1] ?? "";
    const tests = Object.entries(CASES).flatMap(([alertname, { silent, firing, labels }]) => {
      const severity = /severity: (\w+)/.exec(rule(alertname))?.[1] ?? "";
      const job = alertname === "RateSyncRedisMemory" ? {} : { job: "app" };
      return [[silent, []] as const, [firing, [{ exp_labels: { severity, ...labels, ...job } }]] as const].map(
        ([series, exp_alerts]) => ({
          interval: "1m",
          input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
          alert_rule_test: [{ eval_time: "18m", alertname, exp_alerts }],
        }),
      );
    });
    using folder = new TemporaryFolder("alerts");
    const file = join(folder.path, "test.yml");
    // promtool compares annotations too. They are words, so they are left out here.
    const bare = text.replace(/^ +annotations:\n(?: +(?:summary|description): .*\n)+/gm, "");
    assert.doesNotMatch(bare, /summary/);
    await writeFile(join(folder.path, "rules.yml"), bare);
    await writeFile(
      file,
      JSON.stringify({ rule_files: [resolve(folder.path, "rules.yml")], evaluation_interval: "1m", tests }),
    );
    const { code, output } = await promtool("test", "rules", file);
    assert.equal(code, 0, output);
  });

  it("each say what it means and what to do", async () => {
    const text = await readFile(RULES, "utf8");
    const alerts = text.match(/- alert: /g) ?? [];
    for (const field of ["summary: ", "description: ", "severity: "]) {
      assert.equal(text.split(field).length - 1, alerts.length, field);
    }
    for (const [, description = ""] of text.matchAll(/description: (.*)/g)) {
      assert.match(description, /(?:^|\. )(?:Compare|Look|Raise|Run)\b/, "no sentence says what to do");
    }
    const page = await readFile("docs/observability.md", "utf8");
    for (const name of Object.keys(CASES)) {
      assert.ok(page.includes(`\`${name}\``), `docs/observability.md has no ${name}`);
    }
  });
});
