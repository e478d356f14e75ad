/**
 * What a server's refusal means, and what to do about it.
 *
 * @module
 */

import type { StoreErrorReason } from "../../base/errors.ts";

/**
 * The words that servers of all versions refuse with. Redis 6 puts them inside the message of a script's error, later
 * ones in front, so they are looked for anywhere.
 */
const REASONS: readonly (readonly [words: RegExp, reason: StoreErrorReason])[] = [
  [/\bNOAUTH\b|\bWRONGPASS\b|invalid password|AUTH.* called without any password/i, "authentication"],
  [/\bNOPERM\b|\bACL failure\b|can't run this command|can't access/, "permission"],
  [/\bREADONLY\b/, "read_only"],
  [/\bLOADING\b/, "loading"],
  [/\bBUSY\b/, "busy"],
  [/\bOOM\b/, "out_of_memory"],
  [/\bMISCONF\b|\bNOREPLICAS\b/, "not_writable"],
  [/\bCLUSTERDOWN\b/, "cluster_down"],
  [/\bMASTERDOWN\b/, "primary_down"],
  [/max number of clients reached/, "too_many_clients"],
];

const ADVICE: Partial<Record<StoreErrorReason, string>> = {
  authentication: "check username and password",
  permission: "grant this user eval, evalsha and what the scripts call (docs/redis.md, Permissions)",
  read_only: "this is a replica: give the address of its primary",
  loading: "the server reads its data after a start: it decides again once that is done",
  busy: "a script of somebody keeps the server busy: see SLOWLOG, and SCRIPT KILL",
  out_of_memory: "raise the server's maxmemory, or delete what is not needed",
  not_writable: "the server takes no writes while it cannot save or has too few replicas: see its log",
  cluster_down: "a part of the cluster's slots has no node: see CLUSTER INFO",
  primary_down: "the server follows a primary that it does not reach",
  too_many_clients: "raise the server's maxclients, or close connections",
};

/** What a refusal means; undefined where it is about the request alone. */
export function refusalReason(message: string): StoreErrorReason | undefined {
  return REASONS.find(([words]) => words.test(message))?.[1];
}

/** A refusal with what to do about it. */
export function withAdvice(message: string, reason: StoreErrorReason | undefined): string {
  const advice = reason === undefined ? undefined : ADVICE[reason];
  return advice === undefined ? message : `${message.replace(/\.$/, "")}; ${advice}`;
}
