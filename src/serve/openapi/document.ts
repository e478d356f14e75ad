/**
 * The OpenAPI file of the server, which it serves at `/openapi.json`.
 *
 * @module
 */

import type { ServeSettings } from "../options.ts";
import { type ProblemCode, PROBLEMS } from "../problem.ts";
import { type Json, object, ref, schemas } from "./schemas.ts";

/** What every call with a body may fail with. */
const ANY: readonly ProblemCode[] = [
  "BODY_INVALID",
  "FIELD_INVALID",
  "TOKEN_WRONG",
  "HOST_REFUSED",
  "BODY_TIMEOUT",
  "BODY_TOO_LARGE",
  "BODY_TYPE_UNKNOWN",
  "METHOD_NOT_ALLOWED",
  "INTERNAL",
  "TOO_MANY_CONNECTIONS",
];

/** A call: its summary, the schemas of its body and its answer, and what else it may fail with. */
interface CallRow {
  readonly summary: string;
  readonly description?: string;
  readonly body: string;
  readonly answer: string;
  readonly problems: readonly ProblemCode[];
}

const DECIDES: readonly ProblemCode[] = ["LIMITER_NOT_FOUND", "COST_EXCEEDS_LIMIT", "STORE_UNAVAILABLE"];

const CALLS: Readonly<Record<string, CallRow>> = {
  "/v1/decide": {
    summary: "Decide, and take",
    description: "A denial is an answer with status 200 and allowed: false. A permit must be released, and renewed " +
      "within its ttlMs while it is used; one whose client is gone is released after that time.",
    body: "Decide",
    answer: "Decision",
    problems: DECIDES,
  },
  "/v1/peek": {
    summary: "What a decision would be",
    description: "Takes nothing.",
    body: "Ask",
    answer: "Decision",
    problems: DECIDES,
  },
  "/v1/explain": {
    summary: "Why a decision would be as it would be",
    description: "Takes nothing. The text is for people.",
    body: "Ask",
    answer: "Explained",
    problems: DECIDES,
  },
  "/v1/settle": {
    summary: "Settle a reservation with the units that were used",
    body: "Settle",
    answer: "Settled",
    problems: ["NOT_HELD"],
  },
  "/v1/release": {
    summary: "Release a permit, or cancel a reservation",
    description: "May be repeated.",
    body: "Id",
    answer: "Released",
    problems: [],
  },
  "/v1/renew": {
    summary: "Let a permit live on for its ttlMs, from now",
    body: "Id",
    answer: "Renewed",
    problems: ["NOT_HELD"],
  },
};

/** The OpenAPI file, with the limits of a server. */
export function openApi(settings: ServeSettings): Json {
  const paths = Object.entries(CALLS).map(([path, row]) => [path, { post: call(path, row, settings) }] as const);
  return {
    openapi: "3.1.0",
    info: {
      title: "ratesync serve",
      version: "1",
      description: "Rate and concurrency limits for programs in any language. Every call takes one item, or a batch " +
        '{ "requests": [...] } that is answered by { "answers": [...] } in the same order; an item that fails has ' +
        "the answer { problem }.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/" }],
    security: securityOf(settings),
    paths: {
      ...Object.fromEntries(paths),
      "/health": {
        get: read("health", "Whether every store can decide now", "Health", {
          "503": content("A store cannot decide, or the server is closing", ref("Health")),
        }),
      },
      "/health/live": { get: read("live", "Whether the server answers", "Live") },
      "/metrics": {
        get: {
          ...read("metrics", "Metrics for Prometheus, if prom-client is installed beside the package"),
          security: securityOf(settings),
          responses: {
            "200": content("The page", { type: "string" }, "text/plain"),
            ...problems(["TOKEN_WRONG", "HOST_REFUSED", "METHOD_NOT_ALLOWED", "METRICS_MISSING", "INTERNAL"]),
          },
        },
      },
      "/openapi.json": { get: read("openapi", "This file") },
    },
    components: {
      schemas: schemas(settings),
      securitySchemes: { token: { type: "http", scheme: "bearer" } },
    },
  };
}

function securityOf({ token }: ServeSettings): readonly Json[] {
  return token === undefined ? [{}] : [{ token: [] }];
}

function call(path: string, row: CallRow, { maxBatch }: ServeSettings): Json {
  const batch = { type: "array", items: ref(row.body), maxItems: maxBatch };
  const answers = {
    type: "array",
    items: { anyOf: [ref(row.answer), object({ problem: ref("Problem") }, ["problem"])] },
  };
  return {
    operationId: path.slice("/v1/".length),
    summary: row.summary,
    ...(row.description === undefined ? {} : { description: row.description }),
    requestBody: {
      required: true,
      content: json({ anyOf: [ref(row.body), object({ requests: batch }, ["requests"])] }),
    },
    responses: {
      "200": content("The answer", { anyOf: [ref(row.answer), object({ answers }, ["answers"])] }),
      ...problems([...ANY, ...row.problems]),
    },
  };
}

function read(operationId: string, summary: string, answer?: string, more: Json = {}): Json {
  const schema = answer === undefined ? { type: "object" } : ref(answer);
  const refused = problems(["HOST_REFUSED", "METHOD_NOT_ALLOWED"]);
  return {
    operationId,
    summary,
    security: [{}],
    responses: { "200": content("The answer", schema), ...more, ...refused },
  };
}

/** The answers to problems, by status. */
function problems(codes: readonly ProblemCode[]): Json {
  const answers: Record<string, Json> = {};
  for (const code of codes) {
    const [status] = PROBLEMS[code];
    const names = Object.entries(PROBLEMS).filter(([, row]) => row[0] === status).map(([name]) => name);
    answers[status] = content(names.join(", "), ref("Problem"), "application/problem+json");
  }
  return answers;
}

function content(description: string, schema: Json, type = "application/json"): Json {
  return { description, content: json(schema, type) };
}

function json(schema: Json, type = "application/json"): Json {
  return { [type]: { schema } };
}
