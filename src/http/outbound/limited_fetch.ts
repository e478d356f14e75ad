/**
 * A fetch that keeps to the limits of the server it calls, together with all processes that call it.
 *
 * @module
 */

import { sleepUntil, wallMs } from "../../base/clock.ts";
import { ConfigError } from "../../base/errors.ts";
import { heed } from "../../base/heed.ts";
import { shortKey } from "../../base/short_key.ts";
import { show } from "../../base/text.ts";
import { maxWaitUs } from "../../limiter/call_options.ts";
import { RateLimitedError } from "../../decision/rate_limited_error.ts";
import type { Limiter } from "../../limiter/limiter.ts";
import type { Permit } from "../../decision/decision.ts";
import { type Announcement, readAnnouncement } from "./announcement.ts";
import { acquirePermit, type CallState } from "./call_state.ts";
import { followBoth } from "./following.ts";
import { RETRY_BANS } from "./families.ts";
import { trackBody } from "./tracked_body.ts";
import { type Answered, PauseState } from "./pause_state.ts";
import { type BodyReading, checkReading, readKnownBody } from "./limit_reading.ts";
import { LimitResponse } from "./limit_response.ts";
import { type LimitedFetchOptions, readSettings, type Settings, type Throttled } from "./options.ts";
import { type Fetch, type FetchInput, type ForeignFetch, OutboundCall } from "./outbound_call.ts";
import { asNodeBody } from "./node_body.ts";
import { emptyForMs, hintOf, type PauseHint, withReading } from "./pause_hint.ts";
import { RetryBudget } from "./retry_budget.ts";
import { Warnings } from "./warnings.ts";

/** The most keys whose pauses are remembered; the oldest is removed first. */
const MAX_KEYS = 10_000;

/**
 * Wraps a `fetch`: each request waits until the limiter allows it, and when the server asks one process to pause, all
 * processes pause.
 *
 * @param fetch The fetch to wrap: `globalThis.fetch`, or any with its signature.
 * @param options The limiter, and what else there is to say.
 * @returns A function of the type of `fetch`, with its properties. It rejects as `fetch` does, and with a
 * `RateLimitedError` if the wait would be too long.
 * @throws {ConfigError} If an option cannot be used.
 * @throws {NotFoundError} If the given instance has no such limiter.
 *
 * @example At most ten requests a second, over all processes
 * ```ts
 * import { createRateSync } from "@ratesync/core";
 * import { limitedFetch } from "@ratesync/core/outbound";
 *
 * const rateSync = createRateSync({ limiters: { partner: { ratePerSecond: 10 } } });
 * const partnerFetch = limitedFetch(fetch, { rateSync, limiter: "partner" });
 * const answer = await partnerFetch("https://partner.example/orders");
 * ```
 */
export function limitedFetch<Given extends Fetch = Fetch>(fetch: Given, options: LimitedFetchOptions): Given & Fetch;
/**
 * Wraps the `fetch` of another package: the function that is returned has the same type.
 *
 * @param fetch The fetch to wrap, of undici, node-fetch or others. A body may be a stream of Node: it must be read or destroyed.
 * @param options The limiter, and what else there is to say.
 */
export function limitedFetch<Given extends ForeignFetch>(fetch: Given, options: LimitedFetchOptions): Given;
export function limitedFetch(fetch: Fetch, options: LimitedFetchOptions): Fetch {
  if (typeof fetch !== "function") {
    throw new ConfigError({ path: "fetch", expected: "a function with the signature of fetch", received: show(fetch) });
  }
  const fleet = new LimitedFetch(fetch, readSettings(options));
  const limited: Fetch = (input, init) => fleet.call(input, init);
  for (const key of Reflect.ownKeys(fetch)) { // such as Bun's fetch.preconnect
    const property = Object.getOwnPropertyDescriptor(fetch, key);
    if (property !== undefined && !Object.hasOwn(limited, key)) Object.defineProperty(limited, key, property);
  }
  return limited;
}

const NOT_UNDERSTOOD = "readLimit failed, so its answer counts as not understood; further ones are not logged";

/** The pause that an answer asks for. `shared`: all processes pause. */
type Pause = Pick<Throttled, "waitMs" | "source" | "shared">;

/** What an answer says about the limits of the server. */
interface AnswerReading {
  /** Whether the server refused the request because of a limit. */
  readonly refused: boolean;
  readonly pause: Pause | undefined;
}

/** The result of an attempt. The next attempt starts at `againAtMs` or later. */
type Outcome = { readonly answer: Response } | { readonly refused: Response | undefined; readonly againAtMs: number };

class LimitedFetch {
  readonly #fetch: Fetch;
  readonly #settings: Settings;
  readonly #budget: RetryBudget;
  readonly #warnings: Warnings;
  readonly #pauses = new Map<string | undefined, PauseState>();

  constructor(fetch: Fetch, settings: Settings) {
    this.#fetch = fetch;
    this.#settings = settings;
    this.#budget = new RetryBudget(settings.retryBudget);
    this.#warnings = new Warnings(settings.log);
  }

  async call(input: FetchInput, init: RequestInit | undefined): Promise<Response> {
    const state = await this.#start(new OutboundCall(input, init));
    this.#budget.earn();
    let refused: Response | undefined;
    for (let attempt = 1;; attempt++) {
      let permit: Permit;
      try {
        permit = await acquirePermit(state);
      } catch (error) {
        // The answer of the server says more than an error that the deadline is too near.
        if (refused !== undefined && error instanceof RateLimitedError) return refused;
        await discard(refused);
        throw error;
      }
      await discard(refused);
      const outcome = await this.#attempt(state, permit, attempt);
      if ("answer" in outcome) return outcome.answer;
      refused = outcome.refused;
      try {
        if (outcome.againAtMs > 0) await sleepUntil(state.clock, outcome.againAtMs * 1_000, state.call.signal);
      } catch (error) {
        await discard(refused);
        throw error;
      }
    }
  }

  async #start(call: OutboundCall): Promise<CallState> {
    call.signal?.throwIfAborted();
    const limiter = await this.#settings.limiter();
    const { clock } = await limiter.access.client();
    const key = this.#settings.key(call);
    const timeoutMs = maxWaitUs(this.#settings.timeoutMs, [limiter.policy]) / 1_000;
    return {
      call,
      limiter,
      clock,
      key,
      cost: this.#settings.cost(call),
      pauses: this.#pausesOf(limiter, key),
      deadlineMs: clock.nowUs() / 1_000 + timeoutMs,
    };
  }

  /** Sends the request once. Returns its answer, or a refused one that may be tried again. */
  async #attempt(state: CallState, permit: Permit, attempt: number): Promise<Outcome> {
    const { call, clock, pauses } = state;
    const holdsPermit = permit.fencingToken !== undefined;
    const both = holdsPermit ? followBoth(call.signal, permit.lost) : undefined;
    const signal = both === undefined ? call.signal : both.signal;
    const release = () => {
      both?.stop();
      return permit.release();
    };
    const sentMs = clock.nowUs() / 1_000;
    let answer: Response;
    try {
      answer = await call.send(this.#fetch, signal);
    } catch (error) {
      await release();
      const waitMs = signal?.aborted ? undefined : this.#networkPause(state, sentMs);
      if (waitMs === undefined || !this.#mayRetry(state, attempt, waitMs)) throw error;
      this.#notify({ status: 0, waitMs, source: "backoff", attempt, key: state.key, shared: false });
      return { refused: undefined, againAtMs: clock.nowUs() / 1_000 + waitMs };
    }
    try {
      checkAnswer(answer);
      const answered = { sentMs, receivedMs: clock.nowUs() / 1_000 };
      const { refused, pause } = await this.#readAnswer(state, answer, answered);
      if (pause !== undefined) this.#notify({ ...pause, status: answer.status, attempt, key: state.key });
      if (!refused) pauses.backoff.succeeded(sentMs);
      const mayRepeat = refused && pause !== undefined && call.canBeSentAgain &&
        call.isRepeatable(this.#settings.retryMethods) && !forbidsRetry(answer);
      if (!mayRepeat || !this.#mayRetry(state, attempt, pause.waitMs)) {
        return { answer: holdsPermit ? trackBody(answer, call.method, signal, () => void release()) : answer };
      }
      await release();
      // The store holds the next permit back until a shared pause ends.
      return { refused: answer, againAtMs: pause.shared ? 0 : answered.receivedMs + pause.waitMs };
    } catch (error) {
      await release();
      throw error;
    }
  }

  /** Pauses the key if the answer asks for it. */
  async #readAnswer(state: CallState, answer: Response, answered: Answered): Promise<AnswerReading> {
    const { maxPauseMs, refusals, families, heedRemaining, reserve } = this.#settings;
    const { pauses, clock } = state;
    const announced = readAnnouncement(answer.headers, wallMs(clock), families);
    const reading = await this.#readLimit(state, answer, announced);
    const announcement = reading === undefined ? announced : { ...announced, quotas: withReading(announced, reading) };
    // A refused answer also updates the windows that are followed.
    const emptyMs = emptyForMs(announcement, reserve, (quota) => pauses.resetMs(quota, answered));
    const refused = reading?.refused ?? ((reading?.retryAfterMs ?? 0) > 0 || refusals.includes(answer.status));
    const { status } = answer;
    let pause: PauseHint | undefined;
    if (refused) {
      const isLimit = status === 429 || reading?.refused === true;
      const hint = hintOf(announcement, reading, isLimit);
      // Only 429 means a limit by itself: another 4xx is an answer, and a server out of order says nothing about others.
      if (hint === undefined && !isLimit && status < 500) return { refused, pause: undefined };
      const waitMs = hint?.waitMs ?? this.#backoff(pauses, answered.sentMs, answered.receivedMs);
      pause = { waitMs: Math.min(waitMs, maxPauseMs), source: hint?.source ?? "backoff" };
      if (hint === undefined && !isLimit) return { refused, pause: { ...pause, shared: false } };
    } else if (heedRemaining && emptyMs > 0) {
      pause = { waitMs: Math.min(emptyMs, maxPauseMs), source: "remaining" };
    }
    return { refused, pause: pause && { ...pause, shared: await pauses.pause(pause.waitMs, state.key) } };
  }

  /** What `readLimit`, or the body of a known service, says beyond the headers. */
  async #readLimit(
    { call, clock }: CallState,
    answer: Response,
    announced: Announcement,
  ): Promise<BodyReading | undefined> {
    const response = new LimitResponse(answer, call.target, clock);
    try {
      const reading = checkReading(await this.#settings.readLimit?.(response));
      if (reading !== undefined) return reading;
    } catch (error) {
      if (!call.signal?.aborted) this.#warnings.warn(NOT_UNDERSTOOD, error);
    }
    // The body adds nothing where the headers already say how long to wait.
    const isClear = this.#settings.refusals.includes(answer.status) && (announced.retryAfterMs ?? 0) > 0;
    return isClear ? undefined : await readKnownBody(response);
  }

  #networkPause({ call, pauses, clock }: CallState, sentMs: number): number | undefined {
    const asked = this.#settings.retryNetworkErrors && (call.method === "GET" || call.method === "HEAD");
    return asked && call.canBeSentAgain ? this.#backoff(pauses, sentMs, clock.nowUs() / 1_000) : undefined;
  }

  #backoff(pauses: PauseState, sentMs: number, nowMs: number): number {
    const { backoffMs, maxBackoffMs } = this.#settings;
    return pauses.backoff.next({ firstMs: backoffMs, maxMs: maxBackoffMs }, sentMs, nowMs, Math.random());
  }

  #mayRetry({ clock, deadlineMs, call }: CallState, attempt: number, waitMs: number): boolean {
    if (attempt > this.#settings.maxRetries || call.signal?.aborted) return false;
    return clock.nowUs() / 1_000 + waitMs <= deadlineMs && this.#budget.spend();
  }

  #pausesOf(limiter: Limiter, key: string | undefined): PauseState {
    const kept = typeof key === "string" ? shortKey(key) : undefined; // the limiter refuses another key;
    let pauses = this.#pauses.get(kept);
    if (pauses === undefined) {
      pauses = new PauseState(limiter, this.#warnings);
      for (const oldest of this.#pauses.keys()) {
        if (this.#pauses.size < MAX_KEYS) break;
        this.#pauses.delete(oldest);
      }
      this.#pauses.set(kept, pauses);
    }
    return pauses;
  }

  #notify(throttled: Throttled): void {
    const failed = (error: unknown) => this.#settings.log.error("onThrottled failed", error);
    try {
      heed(this.#settings.onThrottled(throttled), failed);
    } catch (error) {
      failed(error);
    }
  }
}

/** Refuses what is no `Response`, such as an object that a test gives in place of one. */
function checkAnswer(answer: unknown): void {
  const { status, headers } = (answer ?? {}) as Partial<Response>;
  if (typeof status === "number" && typeof headers?.get === "function") return;
  throw new TypeError(`Cannot read the answer of fetch: it must be a Response, received ${show(answer)}`);
}

/** Whether the server says that the request must not be sent again. */
function forbidsRetry({ headers }: Response): boolean {
  return RETRY_BANS.some((name) => headers.get(name)?.trim().toLowerCase() === "false");
}

/** Cancels a body that is not read, so that its connection can be used again. */
async function discard(answer: Response | undefined): Promise<void> {
  const nodeBody = asNodeBody(answer?.body);
  if (nodeBody === undefined) await answer?.body?.cancel().catch(() => {});
  else nodeBody.destroy();
}
