import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { judge } from "../../src/doctor/examine.ts";
import type { ExaminedStore } from "../../src/doctor/finding.ts";
import type { FleetLimiter, FleetProcess, FleetStore } from "../../src/fleet/fleet.ts";
import { compilePolicy } from "../../src/policy/compile_policy.ts";
import { wordsOf } from "../../src/policy/words.ts";
import { newStoreCheck, type StoreFindings, type StoreProblem } from "../../src/stores/check.ts";
import type { ServerFacts, StoreInspection } from "../../src/stores/inspection.ts";

const POLICY = compilePolicy({ limit: 5, windowMs: 1_000 });
const RULES = wordsOf(POLICY);
const OTHER_RULES = wordsOf(compilePolicy({ limit: 6, windowMs: 1_000 }));

const CHECK: StoreFindings = {
  engine: "redis",
  url: "rediss://redis.internal:6380/0",
  latencyMs: 1,
  version: "7.2.4",
  role: "primary",
  clockOffsetMs: 0.2,
  evictionPolicy: "noeviction",
  memoryUsedBytes: 2_000_000,
  memoryLimitBytes: 4_000_000,
  memoryHeadroom: 0.5,
  canRunScripts: true,
};

const SERVER: ServerFacts = {
  url: "redis://a:1",
  uptimeSeconds: 100,
  replicas: 1,
  replicaLagSeconds: 0,
  logsChanges: true,
  isLogFailing: false,
  snapshotAgeSeconds: 100,
  isSnapshotFailing: false,
  evictedKeys: 0,
};

const KEYS = { count: 7, isAll: true, endless: [], earlier: [], foreign: [], limiters: [] };

const INSPECTION: StoreInspection = {
  roundTripsMs: [1, 1, 1, 2],
  clockMovedMs: 0,
  servers: [SERVER],
  rules: [],
  keys: KEYS,
  unknown: [],
};

const PROCESS: FleetProcess = {
  id: "1",
  label: "web:1",
  version: "0.1.0",
  runtime: "node 22",
  startedMs: 0,
  state: "up",
  error: "",
  outages: 0,
  queued: 0,
  calls: 0,
  perSecond: 1,
  p50Ms: 1,
  p99Ms: 1,
};

const STORE: FleetStore = {
  id: "s",
  engine: "redis",
  problem: undefined,
  processes: [PROCESS],
  unreadable: 0,
  p50Ms: 1,
  p99Ms: 1,
};

/** What is different about a store that is else as it should be. */
interface Difference {
  readonly check?: Partial<StoreFindings>;
  readonly inspection?: Partial<StoreInspection>;
  readonly server?: Partial<ServerFacts>;
  readonly keys?: Partial<NonNullable<StoreInspection["keys"]>>;
  readonly store?: Partial<FleetStore>;
  readonly limiters?: readonly Pick<FleetLimiter, "id" | "rules">[];
}

function examined({ check, inspection, server, keys, store, limiters = [] }: Difference): ExaminedStore {
  return {
    store: "s",
    limiters: [{ limiter: "api", policy: POLICY }],
    check: newStoreCheck({ ...CHECK, ...check }),
    inspection: { ...INSPECTION, servers: [{ ...SERVER, ...server }], keys: { ...KEYS, ...keys }, ...inspection },
    fleet: {
      atMs: 0,
      stores: [{ ...STORE, ...store }],
      limiters: limiters.map((limiter) => ({ store: "s", ...limiter }) as FleetLimiter),
    },
  };
}

/** What is found, without what is as it should be. */
function findingsOf(difference: Difference): string[] {
  return judge(examined(difference)).filter(({ level }) => level !== "ok")
    .map(({ level, what, detail }) => `${level} ${what}: ${detail}`);
}

function problem(kind: StoreProblem["kind"], stopsDecisions: boolean): StoreProblem {
  return { kind, message: `a problem of ${kind}`, stopsDecisions };
}

function using(rules: string, ...processes: string[]): FleetLimiter["rules"][number] {
  return { rules, hash: rules.slice(-4), processes };
}

describe("The doctor", () => {
  it("finds nothing wrong where nothing is", () => {
    const findings = judge(examined({}));
    assert.deepEqual(findings.map(({ level, what }) => `${level} ${what}`), [
      "ok reachability",
      "ok rights",
      "ok latency",
      "ok version",
      "ok clock",
      "ok memory",
      "ok eviction",
      "ok persistence",
      "ok replicas",
      "ok tls",
      "ok keys",
      "ok rules",
      "ok processes",
    ]);
    assert.ok(findings.every(({ advice }) => advice === undefined));
  });

  const differences: readonly [name: string, difference: Difference, found: readonly RegExp[]][] = [
    ["a store that cannot be reached", { check: { problems: [problem("unreachable", true)] } }, [
      /^error reachability: a problem of unreachable$/,
    ]],
    ["a replica", { check: { problems: [problem("replica", true)] } }, [/^error replica: /]],
    ["missing rights", { check: { problems: [problem("permission", true)], canRunScripts: false } }, [
      /^error rights: /,
    ]],
    ["a full server", { check: { problems: [problem("memory", true)] } }, [/^error memory: /]],
    ["a server that is nearly full", { check: { problems: [problem("memory", false)] } }, [/^warning memory: /]],
    ["keys that may be evicted", { check: { problems: [problem("eviction", false)] } }, [/^warning eviction: /]],
    ["an eviction that forgets long blocks", { check: { evictionPolicy: "volatile-lru" } }, [
      /^note eviction: with volatile-lru/,
    ]],
    ["evicted keys", { server: { evictedKeys: 12 } }, [/^warning eviction: 12 keys were evicted/]],
    ["no maxmemory", { check: { memoryLimitBytes: Infinity } }, [
      /^note memory: 2\.0 MB in use, and there is no maxmemory/,
    ]],
    ["no limit of JetStream", { check: { engine: "nats", url: "tls://a:4222", memoryLimitBytes: Infinity } }, [
      /^note memory: 2\.0 MB in use, and there is no limit of JetStream for this account$/,
    ]],
    ["a slow store", { inspection: { roundTripsMs: [20, 30, 400] } }, [
      /^warning latency: p50 30\.0 ms, p99 400\.0 ms, of 3 calls/,
    ]],
    ["an old server", { check: { version: "5.0.7" } }, [/^error version: Redis 5\.0\.7 is too old/]],
    ["a server that is no more repaired", { check: { version: "6.2.1" } }, [/^note version: /]],
    ["a cluster that is being updated", { check: { version: "7.0.1, 7.2.0" } }, [
      /^note version: .*different versions/,
    ]],
    ["a wrong clock", { check: { problems: [problem("clock", false)] } }, [/^warning clock: /]],
    ["a clock that steps", { inspection: { clockMovedMs: -3_000 } }, [/^error clock: .* moved by -3\.0 s/]],
    ["no append-only file", { server: { logsChanges: false } }, [
      /^note persistence: .*last snapshot, or the start, was 100 s ago: after/,
    ]],
    ["a failing append-only file", { server: { isLogFailing: true } }, [/^error persistence: /]],
    ["a failing snapshot", { server: { isSnapshotFailing: true } }, [/^warning persistence: /]],
    ["no replica", { server: { replicas: 0 } }, [/^note replicas: /]],
    ["a replica that is behind", { server: { replicas: 2, replicaLagSeconds: 60 } }, [
      /^warning replicas: 2 replicas, one of them 60 s behind/,
    ]],
    ["a node of a cluster that has failed", { inspection: { down: [{ kind: "node", places: ["a:1"], of: 6 }] } }, [
      /^warning failover: 1 of the cluster's 6 nodes has failed: a:1$/,
    ]],
    ["a Sentinel that is silent", { inspection: { down: [{ kind: "sentinel", places: ["redis://a:1"], of: 3 }] } }, [
      /^warning failover: 1 of 3 Sentinels does not answer, or does not know the primary: redis:\/\/a:1$/,
    ]],
    ["too few Sentinels for a failover", { inspection: { down: [{ kind: "sentinel", places: ["a", "b"], of: 3 }] } }, [
      /^error failover: 2 of 3 Sentinels do not .*: a, b; the others are too few to name another primary$/,
    ]],
    ["an open connection", { check: { url: "redis://redis.internal:6379/0" } }, [/^note tls: /]],
    ["keys that never expire", { keys: { endless: ["a", "b", "c", "\u001b[2J"] } }, [
      /^warning keys: 4 of all 7 keys never expire: "a", "b", "c" and 1 more$/,
    ]],
    ["keys of others", { keys: { foreign: ["\u001b[2J"], isAll: false } }, [
      /^warning keys: 1 of 7 keys of more hold what this package does not write: "\\u001b\[2J"$/,
    ]],
    ["old state", { keys: { earlier: ["a"] } }, [/^note old state: /]],
    ["keys of unknown limiters", { keys: { limiters: ["old"] } }, [/^note keys: .*"old"/]],
    ["rules that differ by the registers", {
      inspection: {
        rules: [
          { limiter: "api", rules: RULES, seenAgoMs: 2_000, processes: 3 },
          { limiter: "api", rules: OTHER_RULES, seenAgoMs: 12_000, processes: 1 },
        ],
      },
    }, [/^error rules: .*burst 5 \(about 3 processes, seen 2 s ago\) and .*burst 6 \(a process, seen 12 s ago\)$/]],
    ["rules that differ by reports", {
      limiters: [{ id: "api", rules: [using(RULES, "web:1", "web:2"), using(OTHER_RULES, "web:3")] }],
    }, [/^error rules: .*burst 5 \("web:1", "web:2"\) and .*burst 6 \("web:3"\)$/]],
    ["a configuration that is not deployed", { limiters: [{ id: "api", rules: [using(OTHER_RULES, "web:1")] }] }, [
      /^warning rules: limiter "api" is .*burst 6 \("web:1"\) in the processes, and .*burst 5 in this configuration$/,
    ]],
    ["options that differ", {
      limiters: [{ id: "api", rules: [using(RULES, "web:1"), { ...using(RULES, "web:2"), hash: "abc" }] }],
    }, [/^note rules: .*other options differ/]],
    ["limiters of others", { limiters: [{ id: "new", rules: [using(RULES, "a", "b", "c", "d")] }] }, [
      /^note rules: limiter "new" is not in this configuration.*\("a", "b", "c" and 1 more\)$/,
    ]],
    ["limiters of others whose rules differ", {
      limiters: [{ id: "new", rules: [using(RULES, "a"), using(OTHER_RULES, "b")] }],
    }, [/^error rules: limiter "new" has different rules/]],
    [
      "a process that has lost the store",
      { store: { processes: [{ ...PROCESS, state: "down", error: "no_answer" }] } },
      [
        /^warning processes: for process "web:1" the store is "down" \("no_answer"\)$/,
      ],
    ],
    ["several versions", { store: { processes: [PROCESS, { ...PROCESS, version: "0.2.0" }] } }, [
      /^note processes: several versions of this package: "0\.1\.0", "0\.2\.0"$/,
    ]],
    ["reports that cannot be read", { store: { unreadable: 2 } }, [/^note processes: 2 reports/]],
    ["processes that cannot be seen", { store: { problem: "refused" } }, [
      /^note processes: .*cannot be seen: refused$/,
    ]],
    ["what could not be found out", { inspection: { unknown: ["the keys: NOPERM"] } }, [
      /^note unknown: could not be found out: the keys: NOPERM$/,
    ]],
  ];
  for (const [name, difference, expected] of differences) {
    it(`finds ${name}`, () => {
      const found = findingsOf(difference);
      assert.equal(found.length, expected.length, found.join("\n"));
      expected.forEach((pattern, i) => assert.match(found[i] ?? "", pattern));
    });
  }
});
