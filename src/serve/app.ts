/**
 * What the server answers: its paths, without sockets.
 *
 * @module
 */

import type { RateSync } from "../registry/rate_sync.ts";
import { Access } from "./access.ts";
import { answerBody, type ItemHandler } from "./batch.ts";
import { decide, type DecideContext, explain, peek } from "./decide.ts";
import { HeldItems } from "./held.ts";
import { Health, type HealthJSON } from "./health.ts";
import { release, renew, settle } from "./held_calls.ts";
import { parseJson } from "./json.ts";
import { openApi } from "./openapi/document.ts";
import { Metrics } from "./metrics.ts";
import type { ServeSettings } from "./options.ts";
import { Problem, problemOf } from "./problem.ts";

/** A request, without its body. */
export interface ServeRequest {
  /** The method. */
  readonly method: string;
  /** The path, without a query. */
  readonly path: string;
  /** The value of a header. */
  header(name: string): string | undefined;
  /** Reads the body. It throws a `Problem` for one that is too large or too slow. */
  body(): Promise<Uint8Array>;
  /** Aborted when the client leaves. */
  readonly signal: AbortSignal;
}

/** An answer. */
export interface ServeAnswer {
  /** The status. */
  readonly status: number;
  /** Its headers. */
  readonly headers: Readonly<Record<string, string>>;
  /** Its body. */
  readonly body: string;
  /** Called if the client left before it got the answer. */
  readonly undelivered?: () => void;
}

/** The paths that take a body. */
const CALLS: Readonly<Record<string, ItemHandler<DecideContext>>> = {
  "/v1/decide": decide,
  "/v1/peek": peek,
  "/v1/explain": explain,
  "/v1/settle": settle,
  "/v1/release": release,
  "/v1/renew": renew,
};

/** The paths that do not decide: they are answered also while the server closes. */
const ALWAYS = new Set(["/v1/settle", "/v1/release", "/v1/renew"]);

const READS = ["/health", "/health/live", "/openapi.json", "/metrics"];

/** The server without its sockets. */
export class ServeApp {
  /** What is held for clients. */
  readonly held: HeldItems;
  /** Whether no more decisions are made. */
  isClosing = false;
  readonly #rs: RateSync;
  readonly #settings: ServeSettings;
  readonly #access: Access;
  readonly #health: Health;
  readonly #metrics: Metrics;
  #pending = 0;
  #onNonePending: (() => void) | undefined;

  constructor(rs: RateSync, settings: ServeSettings) {
    this.#rs = rs;
    this.#settings = settings;
    this.#access = new Access(settings.token, settings.socketPath !== undefined);
    this.#health = new Health(rs);
    this.#metrics = new Metrics(rs);
    this.held = new HeldItems(settings.clock, settings.maxHeld);
  }

  /** How many calls wait, and how many permits and reservations are held. */
  get unfinished(): number {
    return this.#pending + this.held.size;
  }

  /** Makes no more decisions, and waits until nothing waits or is held, for so many milliseconds at most. */
  async drain(forMs: number): Promise<void> {
    this.isClosing = true;
    if (forMs > 0) await this.#idle(forMs);
    await this.held.close();
    this.#metrics.close();
  }

  /** Resolves when nothing waits or is held, or after so many milliseconds. */
  async #idle(forMs: number): Promise<void> {
    const { clock } = this.#settings;
    await new Promise<void>((resolve) => {
      const timer = clock.schedule(clock.nowUs() + forMs * 1_000, resolve);
      const look = () => {
        if (this.unfinished > 0) return;
        timer.cancel();
        resolve();
      };
      this.held.onNone = this.#onNonePending = look;
      look();
    });
  }

  /** Answers a request. Never rejects. */
  async answer(request: ServeRequest): Promise<ServeAnswer> {
    try {
      return await this.#answer(request);
    } catch (error) {
      return answerProblem(problemOf(error) ?? this.#failed(error, request));
    }
  }

  async #answer(request: ServeRequest): Promise<ServeAnswer> {
    const { path } = request;
    this.#access.checkHost(request.header("host"));
    if (READS.includes(path)) {
      mustBe(request, ["GET", "HEAD"]);
      if (path === "/metrics") return await this.#answerMetrics(request);
      if (path === "/openapi.json") return json(openApi(this.#settings));
      return path === "/health" ? await this.#answerHealth(request) : json({ status: "ok" });
    }
    this.#access.check(request.header("authorization"));
    const handle = Object.hasOwn(CALLS, path) ? CALLS[path] : undefined;
    if (handle === undefined) {
      const known = [...Object.keys(CALLS), ...READS];
      throw new Problem("PATH_NOT_FOUND", `There is no such path; known: ${known.join(", ")}`, { known });
    }
    mustBe(request, ["POST"]);
    return await this.#call(request, handle);
  }

  async #call(request: ServeRequest, handle: ItemHandler<DecideContext>): Promise<ServeAnswer> {
    const { signal } = request;
    mustBeJson(request);
    const body = parseJson(await request.body());
    if (this.isClosing && !ALWAYS.has(request.path)) {
      throw new Problem("CLOSED", "The server is closing: it makes no more decisions");
    }
    const { maxBatch, maxWaitMs, maxPending } = this.#settings;
    const created: string[] = [];
    const context = { rs: this.#rs, held: this.held, maxBatch, maxWaitMs, signal, created };
    const counted: ItemHandler<DecideContext> = async (...item) => {
      if (this.#pending >= maxPending) {
        throw new Problem("TOO_MANY_PENDING", `Cannot make more than ${maxPending} decisions at once`);
      }
      this.#pending++;
      try {
        return await handle(...item);
      } finally {
        if (--this.#pending === 0) this.#onNonePending?.();
      }
    };
    const undelivered = () =>
      void Promise.all(created.map((id) => this.held.release(id))).catch(this.#settings.onError);
    try {
      const answer = json(await answerBody(body, counted, context, (error) => this.#failed(error, request)));
      return { ...answer, undelivered };
    } finally {
      if (signal.aborted) undelivered();
    }
  }

  async #answerHealth(request: ServeRequest): Promise<ServeAnswer> {
    const stores = await this.#health.stores();
    const isOk = Object.values(stores).every(({ ok }) => ok);
    const status = this.isClosing ? "closing" : isOk ? "ok" : "failing";
    const isKnown = this.#access.allows(request.header("authorization"));
    const health: HealthJSON = isKnown ? { status, held: this.held.size, stores } : { status };
    return json(health, status === "ok" ? 200 : 503);
  }

  async #answerMetrics(request: ServeRequest): Promise<ServeAnswer> {
    this.#access.check(request.header("authorization"));
    const { contentType, text } = await this.#metrics.page();
    return { status: 200, headers: { "Content-Type": contentType, "Cache-Control": "no-store" }, body: text };
  }

  #failed(error: unknown, { signal }: ServeRequest): Problem {
    if (!signal.aborted) this.#settings.onError(error); // else it is what ended the wait of a client that has left
    return new Problem("INTERNAL", "The server failed to answer; its log says why");
  }
}

/** A problem as an answer. */
export function answerProblem(problem: Problem): ServeAnswer {
  const answer = json(problem, problem.status, "application/problem+json");
  return { ...answer, headers: { ...answer.headers, ...problem.headers } };
}

function json(value: unknown, status = 200, type = "application/json"): ServeAnswer {
  const headers = { "Content-Type": type, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff" };
  return { status, headers, body: JSON.stringify(value) };
}

function mustBe({ method, path }: ServeRequest, allowed: readonly string[]): void {
  if (allowed.includes(method)) return;
  const Allow = allowed.join(", ");
  throw new Problem("METHOD_NOT_ALLOWED", `${path} takes ${Allow}`, { allowed }, { Allow });
}

/** A browser sends this type to another origin only after that has agreed, so no page can decide by a form. */
function mustBeJson(request: ServeRequest): void {
  const type = request.header("content-type") ?? "";
  const isJson = /^application\/([\w.-]+\+)?json\s*(;|$)/i.test(type);
  const coding = request.header("content-encoding") ?? "identity";
  if (isJson && coding.toLowerCase() === "identity") return;
  throw new Problem("BODY_TYPE_UNKNOWN", "Send JSON, with Content-Type: application/json and no Content-Encoding");
}
