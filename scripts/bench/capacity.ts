/**
 * The tables of docs/capacity.md: how much a decision costs, and what a load needs by that.
 *
 * @module
 */

import { figure, type Row } from "../../bench/mod.ts";

/** The rows of a bench, by the bench's name. */
export type Rows = ReadonlyMap<string, { readonly rows: readonly Row[] }>;

/** What a kind of decision costs, in processor time. */
interface Cost {
  readonly kind: string;
  /** Of the server, in microseconds. */
  readonly redisUs: number;
  /** Of the process that asks, in microseconds. */
  readonly ownUs: number;
}

/** The share of a processor that a plan uses; the rest is for peaks. */
const LOAD = 0.6;

/** Of ten decisions, how many the second half of the plan takes from a process. */
const SPARED = 9;

/** Loads to plan for, in decisions a second. */
const LOADS: readonly number[] = [1e4, 1e5, 1e6, 1e7, 1e8];

const LEASED = "the same with token leases of 100 ms";

/** The kinds of decision, and where each was measured. */
const KINDS: readonly (readonly [kind: string, bench: string, row: string])[] = [
  ["token bucket, many keys", "redis_cpu", "token bucket"],
  ["fixed window, many keys", "redis_cpu", "fixed window"],
  ["sliding window counter, many keys", "redis_cpu", "sliding window counter"],
  ["sliding window, many keys", "redis_cpu", "sliding window"],
  ["two token buckets in one limiter", "redis_cpu", "two token buckets"],
  ["token bucket, one hot key", "hot_key", "allowed: tryAcquire"],
  [LEASED, "hot_key", "allowed: tryAcquire with token leases of 100 ms"],
  ["a denial that the process remembers", "hot_key", "denied: tryAcquire"],
];

/** Kinds of decision by other stores: the bench, and the row by its first cells, beside how many calls are in flight. */
const OTHERS: readonly (readonly [kind: string, bench: string, row: Row, server: string, own: string])[] = [
  ...[64, 500].flatMap((inFlight) =>
    [
      ["token bucket", "token bucket"],
      ["fixed window", "fixed window"],
      ["a permit, taken and given back", "permits, taken and given back"],
    ].map(([kind, name]) =>
      [
        `PostgreSQL, ${inFlight} in flight: ${kind}`,
        "postgres",
        { "what is measured": name as string, "in flight": inFlight },
        "server µs a decision",
        "own µs a decision",
      ] as const
    )
  ),
  ...([[1_000, "many keys"], [1, "one key"]] as const).map(([keys, kind]) =>
    [
      `NATS, 4 processes with 64 in flight: token bucket, ${kind}`,
      "nats",
      { "decisions on NATS": "tryAcquire on NATS", keys },
      "NATS µs a decision",
      "clients µs a decision",
    ] as const
  ),
];

/** The sections, by the names of their marks. */
export function capacitySections(results: Rows): [name: string, text: string][] {
  const costs = KINDS.map(([kind, bench, row]): Cost => ({
    kind,
    redisUs: cellOf(results, bench, row, "Redis µs a decision"),
    ownUs: cellOf(results, bench, row, "own µs a decision"),
  }));
  return [
    ["capacity_costs", costsText(costs)],
    ["capacity_others", othersText(results)],
    ["capacity_batches", batchesText(results)],
    ["capacity_loads", loadsText(costs)],
    ["capacity_memory", memoryText(results)],
  ];
}

function costsText(costs: readonly Cost[]): string {
  return aligned(
    ["a decision", "Redis µs", "a core of Redis decides", "own µs", "a core of the application decides"],
    costs.map(({ kind, redisUs, ownUs }) => [kind, figure(redisUs), rate(redisUs), figure(ownUs), rate(ownUs)]),
  );
}

function othersText(results: Rows): string {
  return aligned(
    ["a decision", "server µs", "a core of the server decides", "own µs"],
    OTHERS.map(([kind, bench, row, server, own]) => {
      const serverUs = cellOf(results, bench, row, server);
      return [kind, figure(serverUs), rate(serverUs), figure(cellOf(results, bench, row, own))];
    }),
  );
}

function batchesText(results: Rows): string {
  const rows = results.get("growth_concurrency")?.rows ?? [];
  return aligned(
    ["calls in flight", "decisions a command", "command µs a decision"],
    rows.map((row) => {
      const [inFlight, batch, commandUs] = ["calls in flight", "decisions a script call", "command µs a decision"]
        .map((column) => figure(row[column] as number));
      return [inFlight, batch, commandUs] as string[];
    }),
  );
}

/** What loads need: when Redis decides every call, and when the processes decide most of them. */
function loadsText(costs: readonly Cost[]): string {
  const [asked, spared] = ["token bucket, many keys", LEASED].map((kind) =>
    costs.find((cost) => cost.kind === kind)
  ) as [
    Cost,
    Cost,
  ];
  const mean = (of: (cost: Cost) => number) => (of(asked) * (10 - SPARED) + of(spared) * SPARED) / 10;
  const ways: readonly Cost[] = [
    asked,
    { kind: "", redisUs: mean(({ redisUs }) => redisUs), ownUs: mean(({ ownUs }) => ownUs) },
  ];
  return aligned(
    [
      "decisions a second",
      "Redis primaries",
      "application cores",
      "primaries, nine of ten decided in the process",
      "application cores, the same",
    ],
    LOADS.map((load) => [
      figure(load),
      ...ways.flatMap(({ redisUs, ownUs }) => [cores(load, redisUs), cores(load, ownUs)]),
    ]),
  );
}

function memoryText(results: Rows): string {
  const rows = results.get("growth_keys")?.rows ?? [];
  const sizes = rows.filter(({ keys }) => Number(keys) >= 10_000).map((row) => {
    const megabytes = Number(row["Redis MB"]);
    return [figure(Number(row["keys"])), figure(megabytes), figure((megabytes * 1e6) / Number(row["keys"]))];
  });
  return aligned(["live token buckets", "Redis MB", "bytes each, all counted"], sizes);
}

/** Decisions a second of one core that does nothing else: two digits, since machines differ by more. */
function rate(us: number): string {
  return figure(Number((1e6 / us).toPrecision(2)));
}

/** How many cores a load needs, at the share that a plan uses. */
function cores(load: number, us: number): string {
  return String(Math.max(1, Math.ceil(load * us / 1e6 / LOAD)));
}

/** A figure of the row whose first cell is `label`, or that has all cells of it. */
function cellOf(results: Rows, bench: string, label: string | Row, column: string): number {
  const row = results.get(bench)?.rows.find((row) =>
    typeof label === "string"
      ? Object.values(row)[0] === label
      : Object.entries(label).every(([name, cell]) => row[name] === cell)
  );
  const value = row?.[column];
  if (typeof value === "number") return value;
  throw new Error(`Cannot plan by ${bench}: it has no ${column} of ${JSON.stringify(label)}`);
}

/** A table as the formatter of pages leaves it. */
function aligned(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[], fill: string) =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0, fill)).join(" | ")} |`;
  return [line(head, " "), line(head.map(() => ""), "-"), ...rows.map((row) => line(row, " "))].join("\n");
}
