/**
 * What the errors of a Redis server mean, and what to do about each failure of a store.
 *
 * @module
 */

import type { StoreErrorReason } from "../../base/store_error_reasons.ts";
import { isPermanent } from "../../base/permanent.ts";

/**
 * The words of servers of all versions, and of services that speak for one. Redis 6 puts the error of a command inside
 * the message of the script, later versions put it in front, so a word counts anywhere. The first row that fits counts.
 */
export const REFUSALS: readonly (readonly [words: RegExp, reason: StoreErrorReason])[] = [
  [
    /\bNOAUTH\b|\bWRONGPASS\b|invalid password|AUTH.* called without any password|no password is set/i,
    "authentication",
  ],
  [/\bNOPERM\b|\bACL failure\b|can't run this command|can't access|has no permissions/, "permission"],
  [/^(?:MOVED|ASK|CROSSSLOT) |SELECT is not allowed in cluster mode/, "cluster_node"],
  [/DB index is out of range|invalid DB index|Only 0th database is supported/i, "wrong_database"],
  [/unknown (?:redis )?command|unknown subcommand|command is not available/i, "command_missing"],
  [/\bREADONLY\b/, "read_only"],
  [/\bLOADING\b/, "loading"],
  [/\bBUSY\b/, "busy"],
  [/\bOOM\b/, "out_of_memory"],
  [/\bMISCONF\b|\bNOREPLICAS\b/, "not_writable"],
  [/\bCLUSTERDOWN\b/, "cluster_down"],
  [/\bMASTERDOWN\b/, "primary_down"],
  [/max number of clients|max concurrent connections/i, "too_many_clients"],
  [/\bFOREIGN\b|\bWRONGTYPE\b/, "foreign_state"],
];

/** What to do about each failure. Absent where the message itself says it, or there is nothing to do. */
const ADVICE: Partial<Record<StoreErrorReason, string>> = {
  connection_refused: "start the server, or correct host and port",
  host_unknown: "correct the host name, or the name server of this machine",
  connect_timeout: "check host and port, and the firewalls between here and there",
  not_redis: "correct host, port and scheme: redis:// without TLS, rediss:// with it",
  driver_missing:
    "npm install @redis/client (deno add npm:@redis/client, bun add @redis/client); where a bundler takes it in, keep it " +
    "external",
  authentication: "check username and password",
  permission: "grant this user eval, evalsha and what the scripts call, on the keys of the store " +
    "(docs/redis/permissions.md)",
  wrong_database: 'choose a db that the server has: below its "databases" setting, and 0 on many services',
  cluster_node: 'give cluster = ["redis://host:port"] in place of the url, or a client of the cluster',
  command_missing: "the server, or what stands in front of it, renames or blocks a command that the store needs " +
    "(docs/redis/permissions.md lists them), or it is a Sentinel, whose address belongs in sentinels; Redis 6.0 or later " +
    "is required",
  read_only: "this is a replica: give the address of its primary",
  loading: "the server reads its data after a start: it decides again once that is done",
  busy: "a script of some client keeps the server busy: see SLOWLOG, and SCRIPT KILL",
  out_of_memory: "raise the server's maxmemory, or delete what is not needed",
  not_writable: "the server takes no writes while it cannot save or has too few replicas: see its log",
  cluster_down: "a part of the cluster's slots has no node: see CLUSTER INFO",
  primary_down: "the server follows a primary that it does not reach",
  too_many_clients: "raise the server's maxclients, or close connections",
  foreign_state:
    "the key is left as it is: delete it if it is yours, give the store a keyPrefix of its own, or update the " +
    "processes with the older version of this package",
  invalid_answer: "check what answers at this address: it may be a proxy or another service",
};

/** What a refusal means; undefined where it is about the request alone. */
export function refusalReason(message: string): StoreErrorReason | undefined {
  return REFUSALS.find(([words]) => words.test(message))?.[1];
}

/** A failure with what to do about it, and with a note where no waiting heals it. */
export function withAdvice(message: string, reason: StoreErrorReason | undefined): string {
  const advice = reason === undefined ? undefined : ADVICE[reason];
  if (advice === undefined) return message;
  const note = isPermanent(reason) ? "this will not heal by itself: " : "";
  return `${message.replace(/\.$/, "")}; ${note}${advice}`;
}
