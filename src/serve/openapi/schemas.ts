/**
 * The schemas of the OpenAPI file: what requests and answers hold.
 *
 * @module
 */

import type { ServeSettings } from "../options.ts";
import { PROBLEMS } from "../problem.ts";

/** A part of an OpenAPI file. */
export type Json = { readonly [name: string]: unknown };

const ms = (description: string): Json => ({ type: ["number", "null"], minimum: 0, description });
const text = (description: string, more: Json = {}): Json => ({ type: "string", description, ...more });
const count = (description: string): Json => ({ type: "integer", minimum: 0, description });

/** An object whose fields are all that it has. */
export function object(properties: Json, required: readonly string[], more: Json = {}): Json {
  return { type: "object", properties, required, additionalProperties: false, ...more };
}

/** A reference to a schema. */
export function ref(name: string): Json {
  return { $ref: `#/components/schemas/${name}` };
}

const limiter = text("The id of the limiter.", { minLength: 1, maxLength: 1_024 });
const key = text("The key. Without one, the limiter as a whole.", { minLength: 1, maxLength: 65_536 });
const keyClass = text("What kind of key it is, for metrics: address, user, tenant. Few values.", {
  minLength: 1,
  maxLength: 64,
});
const cost = { type: "integer", minimum: 1, default: 1, description: "The units to take." };
const id = text("The id of what is held.", { minLength: 1, maxLength: 128 });
const ttlMs = {
  type: "number",
  minimum: 1,
  maximum: 86_400_000,
  description: "How long a permit is held without a renewal (default: the limiter's lease time), or how long a " +
    "reservation may be settled (default: ten minutes after its instant), in milliseconds.",
};

/** Every schema by name. */
export function schemas({ maxWaitMs, maxBatch }: ServeSettings): Json {
  const timeoutMs = {
    type: "number",
    minimum: 0,
    maximum: maxWaitMs,
    default: 0,
    description: "How long the call may wait, in milliseconds. 0 decides now.",
  };
  return {
    Ask: object({ limiter, key, keyClass, cost }, ["limiter"]),
    DecideOne: object({
      limiter,
      key,
      keyClass,
      cost,
      timeoutMs,
      ttlMs,
      reserve: {
        type: "boolean",
        default: false,
        description: "Takes the cost for the earliest possible time within timeoutMs and answers at once with the " +
          "time to wait and an id, so that the real cost can be settled. Not for limiters with permits.",
      },
    }, ["limiter"]),
    DecideAll: object(
      {
        all: { type: "array", items: ref("Ask"), minItems: 1, maxItems: maxBatch },
        timeoutMs,
        ttlMs,
      },
      ["all"],
      { description: "One decision over several limiters on one store: takes from all, or from none." },
    ),
    Decide: { anyOf: [ref("DecideOne"), ref("DecideAll")] },
    Settle: object({ id, cost: count("The units that were used.") }, ["id", "cost"]),
    Id: object({ id }, ["id"]),
    Limit: object({
      limiter,
      algorithm: text("How it counts."),
      limit: count("The most units, or permits."),
      remaining: count("What is left."),
      windowMs: ms("The window, in milliseconds; absent for permits."),
      resetAfterMs: ms("When all is free again, without other calls, in milliseconds."),
    }, ["limiter", "algorithm", "limit", "remaining", "resetAfterMs"]),
    Permit: object({
      id,
      ttlMs: ms("The server releases the permit unless it is renewed within this time, in milliseconds."),
      fencingToken: { type: "integer", description: "Above that of every permit granted before it for this key." },
    }, ["id", "ttlMs"]),
    Reservation: object({
      id,
      waitMs: ms("How long until its instant, in milliseconds. Wait for it before you go ahead."),
      ttlMs: ms("How long it can be settled, in milliseconds. After that its whole cost stays charged."),
    }, ["id", "waitMs", "ttlMs"]),
    DeniedBy: object({
      limiter,
      keyClass: text("What kind of key it is."),
      limit: count("The place of the limit in the rules, from 0, permits last; absent if no limit denied."),
      rule: text("The limit in words."),
    }, ["limiter", "keyClass", "rule"]),
    Decision: object({
      allowed: { type: "boolean" },
      reason: { enum: ["rate", "blocked", "concurrency", "queue_full", "store"], description: "Of a denial." },
      deniedBy: ref("DeniedBy"),
      limiter,
      key,
      cost,
      limit: count("The most units of the tightest limit."),
      remaining: count("What is left of it."),
      retryAfterMs: ms("Of a denial: how long until the same call would be allowed; null if that is not known."),
      resetAfterMs: ms("When the tightest limit is whole again, in milliseconds."),
      degraded: { type: "boolean", description: "Whether the failure policy decided in place of the store." },
      limits: { type: "array", items: ref("Limit") },
      headers: {
        type: "object",
        additionalProperties: { type: "string" },
        description: "RateLimit-Policy, RateLimit and Retry-After, for the answer to your own client.",
      },
      waitedMs: ms("How long the call waited, in milliseconds."),
      permit: ref("Permit"),
      reservation: ref("Reservation"),
    }, [
      "allowed",
      "limiter",
      "cost",
      "limit",
      "remaining",
      "retryAfterMs",
      "resetAfterMs",
      "degraded",
      "limits",
      "headers",
      "waitedMs",
    ]),
    Explained: object({
      text: text("The explanation for people."),
      explanation: { type: "object", description: "The same as data." },
    }, ["text", "explanation"]),
    Settled: object({ charged: count("Units that were charged in all."), uncharged: count("Units that were not.") }, [
      "charged",
      "uncharged",
    ]),
    Released: object({ released: { type: "boolean", description: "Whether it was held." } }, ["released"]),
    Renewed: object({ ttlMs: ms("The time to live, from now, in milliseconds.") }, ["ttlMs"]),
    StoreHealth: object({
      ok: { type: "boolean" },
      state: { enum: ["up", "impaired", "down"] },
      engine: { type: "string" },
      latencyMs: ms("One call, there and back."),
      problems: { type: "array", items: { type: "object" } },
      advice: { type: "array", items: { type: "string" } },
    }, ["ok", "state", "engine", "problems", "advice"]),
    Health: object({
      status: { enum: ["ok", "failing", "closing"] },
      held: count("Permits and reservations that are held for clients."),
      stores: { type: "object", additionalProperties: ref("StoreHealth") },
    }, ["status"]),
    Live: object({ status: { const: "ok" } }, ["status"]),
    Problem: {
      type: "object",
      properties: {
        type: text("A URI for the kind of problem.", { format: "uri" }),
        title: { type: "string" },
        status: { type: "integer", minimum: 400, maximum: 599 },
        code: { enum: Object.keys(PROBLEMS) },
        detail: { type: "string" },
        field: text("The field that cannot be used."),
        known: { type: "array", items: { type: "string" } },
        retryAfterMs: ms("How long the store does not want to be asked."),
      },
      required: ["type", "title", "status", "code", "detail"],
    },
  };
}
