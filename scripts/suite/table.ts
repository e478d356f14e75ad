/**
 * Which test files run on which runtimes, and which of them need the machine for themselves.
 *
 * @module
 */

/** The name of a runtime: its flag, and the value of RATESYNC_TEST_RUNTIME in its tests. */
export type RuntimeName = "bun" | "deno" | "node";

/** What holds for test files, or for all test files of folders. */
export interface Row {
  /** The paths of files, and of folders with `/` at their end. */
  readonly paths: readonly string[];
  /** The runtimes on which these files run. */
  readonly on: readonly RuntimeName[];
  /** Whether no other file runs at the same time. @default {false} */
  readonly alone?: boolean;
  /** The runtime that runs more tests of these files than the others; without it, all run the same number. */
  readonly more?: RuntimeName;
  /** The reason. */
  readonly because: string;
}

const EVERY: readonly RuntimeName[] = ["bun", "deno", "node"];
const NODE: readonly RuntimeName[] = ["node"];
const BUN: readonly RuntimeName[] = ["bun"];
const DENO: readonly RuntimeName[] = ["deno"];

/** The table. Of the rows that match a file, the one with the longest path counts. */
export const TABLE: readonly Row[] = [
  { paths: ["tests/"], on: EVERY, because: "what users run must work on every runtime" },
  {
    paths: ["tests/algorithms/", "tests/policy/"],
    on: BUN,
    because: "arithmetic on integers, without any API of a runtime",
  },
  {
    paths: [
      "tests/simulation/",
      "tests/testing/conformance_features_test.ts",
      "tests/testing/conformance_mistakes_test.ts",
    ],
    on: DENO,
    because: "thousands of decisions in virtual time, without any API of a runtime: Deno needs three quarters of the " +
      "processor time that Bun needs",
  },
  {
    paths: ["tests/laws/"],
    on: BUN,
    alone: true,
    because: "measures how long scripts and turns of the event loop take, without any API of a runtime",
  },
  {
    paths: ["tests/http/adapters/express/express4_test.ts", "tests/http/adapters/koa2_test.ts"],
    on: NODE,
    because:
      "the versions before, through the same adapters, which express_test.ts and koa_test.ts try on every runtime",
  },
  {
    paths: [
      "tests/http/outbound/obedience_test.ts",
      "tests/http/outbound/pauses_test.ts",
      "tests/registry/redis_places_test.ts",
    ],
    on: BUN,
    because:
      "pauses that processes share, and options; fetch, and connections over REST, are tried on every runtime by " +
      "limited_fetch_test.ts, retries_test.ts and rest_test.ts",
  },
  {
    paths: ["tests/simulate/"],
    on: BUN,
    because: "formats, decisions in the time of a log and reports, without any API of a runtime",
  },
  {
    paths: ["tests/simulate/page_test.ts"],
    on: NODE,
    because: "a page in a browser, which a client of Node drives",
  },
  {
    paths: ["tests/simulate/bad_logs_test.ts"],
    on: EVERY,
    because: "gzip, which each runtime unpacks and refuses by itself, and files",
  },
  { paths: ["tests/bench/"], on: NODE, because: "measurements, which are no part of the package" },
  { paths: ["tests/docs/"], on: BUN, because: "reads pages, without any API of a runtime" },
  {
    paths: [
      "tests/docs/cli_page_test.ts",
      "tests/docs/redis_tables_test.ts",
      "tests/docs/reference_test.ts",
    ],
    on: NODE,
    because: "a program and a server beside what pages say of them, and a tool of this repository, which runs on Node",
  },
  { paths: ["tests/scripts/"], on: NODE, because: "tools of this repository, which run on Node" },
  {
    paths: ["tests/faults/"],
    on: NODE,
    because: "faults of servers under load; how connections open, fall silent and end is tried on every runtime by " +
      "node_redis_faults_test.ts, silence_test.ts, frozen_test.ts and process_end_test.ts",
  },
  {
    paths: [
      "tests/stores/redis/closing/close_in_time_test.ts",
      "tests/stores/redis/reports/refusals_test.ts",
      "tests/stores/redis/rest/rest_order_test.ts",
    ],
    on: NODE,
    because:
      "servers that refuse, stop and are slow; their cases wait beside each other, as only Node's runner lets them",
  },
  {
    paths: [
      "tests/stores/redis/batching/batch_faults_test.ts",
      "tests/stores/redis/reports/check_test.ts",
      "tests/stores/redis/reports/clock_steps_test.ts",
      "tests/stores/redis/reports/permissions_test.ts",
      "tests/registry/mistakes_test.ts",
      "tests/limiter/failure_policy_test.ts",
      "tests/limiter/partial_failures_test.ts",
      "tests/stores/redis/reports/mixed_rules_report_test.ts",
    ],
    on: BUN,
    because:
      "what servers refuse, and what is said of it, by code without any API of a runtime: Bun needs two thirds " +
      "of the time that Node needs; faults of connections are tried on every runtime by node_redis_faults_test.ts, " +
      "silence_test.ts and frozen_test.ts, and those of servers on Node by tests/faults/",
  },
  {
    paths: [
      "tests/http/adapters/servers/servers_test.ts",
      "tests/races/admission_test.ts",
      "tests/races/decisions_test.ts",
      "tests/races/fifo_test.ts",
      "tests/races/lost_queues_test.ts",
      "tests/races/mixed_rules_test.ts",
      "tests/races/outbound_test.ts",
      "tests/races/postgres_test.ts",
      "tests/telemetry/fleet_test.ts",
    ],
    on: BUN,
    because:
      "several processes on one Redis, whose Lua decides: Bun starts them in half of the time that Node needs; that " +
      "processes end and stand still, and frameworks, are tried on every runtime by process_end_test.ts, pause_test.ts, " +
      "express_test.ts, fetch_test.ts and node_test.ts",
  },
  {
    paths: ["tests/races/nats_test.ts"],
    on: BUN,
    because:
      "several processes on one NATS server, which decide by the kernels and start fastest on Bun; transports and processes " +
      "that stand still are tried on every runtime by nats_conformance_test.ts and nats_pause_test.ts",
  },
  {
    paths: ["tests/races/pool_test.ts", "tests/telemetry/alerts_test.ts", "tests/telemetry/app_test.ts"],
    on: NODE,
    because: "how many connections a store opens, and programs of others: Prometheus, and an application for Node",
  },
  {
    paths: [
      "tests/stores/redis/closing/process_end_topologies_test.ts",
      "tests/stores/redis/closing/unused_store_test.ts",
    ],
    on: NODE,
    because:
      "processes on a cluster, Sentinels, TLS and REST, and without calls; those on one server are tried on every " +
      "runtime by process_end_test.ts",
  },
  {
    paths: ["tests/races/stops/crash_test.ts"],
    on: BUN,
    because:
      "killed processes do nothing more, and the Lua gives their permits on; processes that end and stand still " +
      "are tried on every runtime by process_end_test.ts and pause_test.ts",
  },
  {
    paths: [
      "tests/http/lanes_test.ts",
      "tests/limiter/denial_counts_test.ts",
      "tests/limiter/deny_cache_test.ts",
      "tests/limiter/explain_times_test.ts",
      "tests/limiter/heavy_hitters_test.ts",
      "tests/limiter/observe_test.ts",
      "tests/limiter/token_leases_test.ts",
      "tests/limiter/unawaited_test.ts",
      "tests/stores/batcher/at_once_test.ts",
      "tests/stores/batcher/batcher_test.ts",
      "tests/stores/codec/",
      "tests/stores/log/log_faults_test.ts",
      "tests/stores/log/log_parity_test.ts",
      "tests/stores/log/forgotten_keys_test.ts",
      "tests/stores/log/rules_book_test.ts",
      "tests/stores/mixed_rules/",
      "tests/stores/parity/enumeration_test.ts",
      "tests/stores/parity/histories_test.ts",
      "tests/stores/laws/laws_test.ts",
      "tests/stores/mutants/",
      "tests/stores/parity/parity_test.ts",
      "tests/stores/postgres/buckets/",
      "tests/stores/postgres/kernels/",
      "tests/stores/postgres/parity/",
      "tests/stores/redis/batching/batching_test.ts",
      "tests/stores/redis/reports/permit_rights_test.ts",
      "tests/stores/redis/scripts/buckets_test.ts",
      "tests/stores/redis/scripts/foreign_values_test.ts",
      "tests/stores/redis/scripts/window_log_test.ts",
      "tests/stores/laws/slot_laws_test.ts",
      "tests/stores/laws/wait_queue_test.ts",
    ],
    on: BUN,
    because:
      "thousands of decisions on virtual time, by kernels, by Lua and by the memory store, without any API of a " +
      "runtime: Bun needs two thirds of the time that Node needs with its test runner, which follows every promise",
  },
  {
    paths: ["tests/stores/nats/nats_parity_test.ts", "tests/stores/nats/versions_clocks_test.ts"],
    on: BUN,
    because:
      "decisions by the kernels, without any API of a runtime: nats_conformance_test.ts tries each runtime's transport",
  },
  {
    paths: [
      "tests/stores/redis/clients/clients_conformance_test.ts",
      "tests/stores/redis/rest/rest_conformance_test.ts",
    ],
    on: BUN,
    because:
      "thousands of decisions through the clients of packages, one of which only Bun has, and over REST; these connections " +
      "are tried on every runtime by clients_test.ts and rest_test.ts, and the same decisions, over plain ones, by " +
      "conformance_test.ts",
  },
  {
    paths: [
      "tests/stores/redis/cluster/cluster_conformance_test.ts",
      "tests/stores/redis/tls/tls_conformance_test.ts",
    ],
    on: DENO,
    because:
      "thousands of decisions on a cluster and over TLS, for which Deno needs less processor time than Bun; these " +
      "connections are tried on every runtime by credentials_test.ts and tls_test.ts, and the same decisions, over plain " +
      "ones, by conformance_test.ts",
  },
  {
    paths: ["tests/_support/properties_test.ts"],
    on: BUN,
    because: "a helper of properties that run on Bun alone, without any API of a runtime",
  },
  {
    paths: ["tests/stores/postgres/connections/url_test.ts"],
    on: BUN,
    because: "options and texts, without any API of a runtime",
  },
  {
    paths: ["tests/stores/postgres/connections/sessions_test.ts"],
    on: EVERY,
    more: "bun",
    because: "Bun has a client of its own",
  },
  {
    paths: ["tests/stores/postgres/faults/"],
    on: NODE,
    because: "faults and refusals of servers; how connections open, break and end is tried on every runtime by " +
      "sessions_test.ts and process_end_test.ts",
  },
  {
    paths: ["tests/stores/postgres/poolers/"],
    on: BUN,
    because: "decisions through PgBouncer; sessions and clients are tried on every runtime by " +
      "sessions_test.ts",
  },
  {
    paths: ["tests/stores/postgres/servers/"],
    on: NODE,
    because: "tools of this repository, which run on Node",
  },
  {
    paths: ["tests/stores/redis/scripts/key_laws_test.ts", "tests/stores/redis/scripts/memory_usage_test.ts"],
    on: NODE,
    because: "Lua, which runs in Redis",
  },
  {
    paths: [
      "tests/stores/redis/cluster/cluster_test.ts",
      "tests/stores/redis/cluster/node_batches_test.ts",
      "tests/stores/redis/batching/commands_test.ts",
      "tests/stores/redis/batching/ordered_batcher_test.ts",
      "tests/stores/redis/rest/rest_waiting_test.ts",
      "tests/stores/redis/sentinel/sentinel_test.ts",
    ],
    on: BUN,
    because:
      "which calls go where, and in which order; the connections, to a server, a cluster, Sentinels, over TLS and REST, " +
      "are tried on every runtime by process_end_test.ts, credentials_test.ts, sentinel_news_test.ts and rest_test.ts",
  },
  {
    paths: ["tests/registry/secrets_test.ts", "tests/stores/redis/endpoints/url_passwords_test.ts"],
    on: BUN,
    because: "texts and what is left out of them, without any API of a runtime",
  },
  {
    paths: [
      "tests/base/deadline_test.ts",
      "tests/base/duration_test.ts",
      "tests/base/foreign_words_test.ts",
      "tests/base/nearest_test.ts",
      "tests/base/network_test.ts",
      "tests/base/text_test.ts",
      "tests/http/client_address_test.ts",
      "tests/http/explain_test.ts",
      "tests/http/adapters/types_test.ts",
      "tests/http/outbound/announcement_test.ts",
      "tests/http/outbound/families_test.ts",
      "tests/limiter/call_options_test.ts",
      "tests/limiter/explain_test.ts",
      "tests/limiter/lease_renewal_test.ts",
      "tests/limiter/long_keys_test.ts",
      "tests/limiter/mistaken_calls_test.ts",
      "tests/limiter/permit_queue_test.ts",
      "tests/limiter/refund_test.ts",
      "tests/limiter/remembered_denials_test.ts",
      "tests/limiter/reservation_test.ts",
      "tests/limiter/store_health_test.ts",
      "tests/limiter/timed_queue_test.ts",
      "tests/registry/async_listeners_test.ts",
      "tests/registry/bad_arguments_test.ts",
      "tests/registry/bad_config_file_test.ts",
      "tests/registry/bad_definitions_test.ts",
      "tests/registry/bad_input_test.ts",
      "tests/registry/bad_options_test.ts",
      "tests/registry/reconfigure_test.ts",
      "tests/registry/config/check_test.ts",
      "tests/registry/config/docs_test.ts",
      "tests/registry/config/expand_test.ts",
      "tests/registry/config/limiters_test.ts",
      "tests/registry/config/seeds_test.ts",
      "tests/registry/config/stores_test.ts",
      "tests/stores/laws/idle_books_test.ts",
      "tests/stores/parity/check_states_test.ts",
      "tests/stores/redis/endpoints/node_redis_options_test.ts",
      "tests/stores/redis/endpoints/places_test.ts",
      "tests/stores/redis/endpoints/url_test.ts",
    ],
    on: BUN,
    because:
      "options, texts and calls on virtual time, without any API of a runtime; the files beside them, which use " +
      "connections, timers, signals and files, run on every runtime",
  },
  {
    paths: [
      "tests/http/headers_test.ts",
      "tests/registry/config/fuzz_test.ts",
      "tests/registry/config/template_test.ts",
    ],
    on: BUN,
    because: "thousands of random texts that the package itself writes or reads, without any API of a runtime",
  },
  {
    paths: ["tests/dashboard/browser_test.ts", "tests/dashboard/command_test.ts"],
    on: NODE,
    because: "a page in a browser; its handler is tried on every runtime by handler_test.ts",
  },
  {
    paths: ["tests/fleet/watching_test.ts", "tests/fleet/topologies_test.ts", "tests/doctor/examine_test.ts"],
    on: NODE,
    because:
      "reports of processes, and servers of each kind; that a process which reports can end is tried on every runtime " +
      "by process_end_test.ts",
  },
  {
    paths: ["tests/fleet/reports_test.ts", "tests/doctor/judges_test.ts"],
    on: BUN,
    because: "reports and findings as texts, without any API of a runtime",
  },
  {
    paths: ["tests/cli/top_test.ts"],
    on: NODE,
    because: "a terminal; what a terminal gets is written by code without any API of a runtime, of program_test.ts",
  },
  {
    paths: ["tests/serve/decide_test.ts"],
    on: BUN,
    because: "decisions; sockets are tried on every runtime by bad_input_test.ts",
  },
  {
    paths: ["tests/serve/command_test.ts"],
    on: NODE,
    because: "a command, whose sockets are tried on every runtime by bad_input_test.ts",
  },
  {
    paths: ["tests/cli/operate_test.ts", "tests/cli/why_test.ts"],
    on: BUN,
    because: "the commands of ratesync on each kind of Redis; how the program runs and ends, and connections, are " +
      "tried on every runtime by program_test.ts, process_test.ts and clients_test.ts",
  },
  {
    paths: ["tests/registry/driver_missing_test.ts"],
    on: NODE,
    because: "hides the driver by a loader hook, which only Node has",
  },
  {
    paths: ["tests/stores/redis/clients/clients_test.ts"],
    on: EVERY,
    more: "bun",
    because: "Bun has a client of its own",
  },
];

/**
 * Files that mostly wait, for timers and for servers that start and fall silent: others may use the processors meanwhile.
 * On two processors they have one lane of three, and should need about as long as the other files on each of theirs.
 */
export const WAITING: readonly string[] = [
  "tests/base/wall_clock_test.ts",
  "tests/cli/top_test.ts",
  "tests/dashboard/browser_test.ts",
  "tests/doctor/examine_test.ts",
  "tests/docs/cli_page_test.ts",
  "tests/examples/npm_start_test.ts",
  "tests/examples/servers_test.ts",
  "tests/faults/cluster_test.ts",
  "tests/faults/nats_test.ts",
  "tests/faults/sentinels_test.ts",
  "tests/faults/standalone_test.ts",
  "tests/fleet/watching_test.ts",
  "tests/fleet/process_end_test.ts",
  "tests/fleet/topologies_test.ts",
  "tests/http/adapters/endings/endings_test.ts",
  "tests/http/adapters/fastify_test.ts",
  "tests/http/outbound/obedience_test.ts",
  "tests/limiter/real_time_test.ts",
  "tests/races/outbound_test.ts",
  "tests/races/stops/crash_test.ts",
  "tests/races/stops/nats_pause_test.ts",
  "tests/races/stops/pause_test.ts",
  "tests/registry/drain_test.ts",
  "tests/registry/driver_missing_test.ts",
  "tests/registry/mistakes_test.ts",
  "tests/stores/log/log_faults_test.ts",
  "tests/stores/mixed_rules/rules_that_go_test.ts",
  "tests/stores/nats/refusals_test.ts",
  "tests/stores/nats/stream_test.ts",
  "tests/stores/postgres/connections/sessions_test.ts",
  "tests/stores/postgres/faults/faults_test.ts",
  "tests/stores/redis/clients/clients_test.ts",
  "tests/stores/redis/closing/close_in_time_test.ts",
  "tests/stores/redis/batching/commands_test.ts",
  "tests/stores/redis/connections/frozen_test.ts",
  "tests/stores/redis/connections/node_redis_faults_test.ts",
  "tests/stores/redis/reports/mixed_rules_report_test.ts",
  "tests/stores/redis/reports/refusals_test.ts",
  "tests/stores/redis/rest/rest_faults_test.ts",
  "tests/stores/redis/rest/rest_order_test.ts",
  "tests/stores/redis/rest/rest_waiting_test.ts",
  "tests/stores/redis/sentinel/sentinel_test.ts",
  "tests/stores/redis/connections/silence_test.ts",
  "tests/telemetry/alerts_test.ts",
  "tests/telemetry/fleet_test.ts",
];

/** The longest files of folders that come late: they begin first, so that no lane is left with them at the end. */
export const FIRST: readonly string[] = [
  "tests/algorithms/enumeration/buckets_test.ts",
  "tests/algorithms/enumeration/two_limits_test.ts",
  "tests/cli/operate_test.ts",
  "tests/dashboard/browser_test.ts",
];

/** Files and folders whose tests share one PostgreSQL, each with a schema of its own: `tests/_support/postgres.ts`. */
export const ON_POSTGRES: readonly string[] = [
  "tests/cli/operate_test.ts",
  "tests/races/postgres_test.ts",
  "tests/stores/postgres/",
];

/** Whether a test file needs the PostgreSQL that files share. */
export function needsPostgres(file: string, paths: readonly string[] = ON_POSTGRES): boolean {
  return paths.some((path) => path.endsWith("/") ? file.startsWith(path) : file === path);
}

/**
 * The row of a test file.
 *
 * @throws {Error} If no row matches: the file is not under `tests/`.
 */
export function rowOf(file: string, table: readonly Row[] = TABLE): Row {
  const rows = table.flatMap((row) => row.paths.map((path) => ({ path, row })));
  const matching = rows.filter(({ path }) => path.endsWith("/") ? file.startsWith(path) : file === path);
  const [longest] = matching.toSorted((a, b) => b.path.length - a.path.length);
  if (longest === undefined) throw new Error(`Cannot run ${file}: no row of scripts/suite/table.ts matches it`);
  return longest.row;
}
