/**
 * The guard: a request in, an admission out. It knows no framework; adapters do.
 *
 * An adapter does four things, and takes all options of a guard as its own:
 *
 * 1. It makes the guard once: `guardOf(options)`.
 * 2. For each request, it awaits `guard.admit({ method, url, headers, peer, signal, raw })`. A `Request` does as it is, but
 *    does not tell the peer.
 * 3. It sets the headers of the admission on the answer, whatever that is: `setHeaders(admission.headers, target)`.
 *    If the request is not allowed, it sends `status` and `body`, and calls nothing else. `finish` need not be called then.
 * 4. If it is allowed, and `admission.isOpen`, it calls `admission.finish({ status, bytes, aborted, error })` when the answer
 *    has been sent to its end, or the client has left, or the handler has thrown: whatever comes first, more than
 *    one of them does no harm.
 *
 * @example An adapter
 * ```ts
 * import { type GuardOptions, guardOf, setHeaders } from "@ratesync/core/http";
 *
 * interface Context {
 *   readonly request: Request;
 *   readonly ip: string;
 *   readonly answer: { status: number; headers: Headers; body: string };
 *   onEnd(callback: () => void): void;
 * }
 *
 * export function rateLimit(options: GuardOptions<Context>) {
 *   const guard = guardOf(options);
 *   return async (context: Context, next: () => Promise<void>): Promise<void> => {
 *     const { method, url, headers, signal } = context.request;
 *     const admission = await guard.admit({ method, url, headers, signal, peer: context.ip, raw: context });
 *     setHeaders(admission.headers, context.answer.headers);
 *     if (!admission.allowed) {
 *       context.answer.status = admission.status;
 *       context.answer.body = admission.body;
 *       return;
 *     }
 *     if (admission.isOpen) context.onEnd(() => void admission.finish({ status: context.answer.status }));
 *     await next();
 *   };
 * }
 * ```
 *
 * @module
 */

import { brand } from "../base/brand.ts";
import { systemClock, wallMs } from "../base/clock.ts";
import { RateSyncError } from "../base/errors.ts";
import { listWords } from "../base/text.ts";
import type { Decision, RateLimitedError } from "../limiter/decision.ts";
import { isClosed, isStoreError } from "../limiter/failure.ts";
import type { Permit } from "../limiter/permit.ts";
import type { HttpConfig } from "../registry/options.ts";
import { type Admission, GuardAdmission } from "./admission.ts";
import { checksOf, type LimitCheck } from "./limit_checks.ts";
import { type ClientAddressOptions, NetworkSet } from "./client_address.ts";
import type { Refusal } from "./denial.ts";
import { EXPOSED, type HeaderPair } from "./header_pair.ts";
import { rateLimitHeaders } from "./headers.ts";
import { type CompiledGuard, compileGuard } from "./compile_guard.ts";
import { isFrom, isNamed, isPreflight } from "./exemptions.ts";
import type { GuardOptions } from "./options.ts";
import { refuse } from "./refuse.ts";
import { GuardedRequest, type RequestFacts } from "./request.ts";
import { correctCharge, type Outcome } from "./settle.ts";
import { ErrorReporter } from "./error_reporter.ts";

/** How long a client is told to wait for a store that does not answer: nobody knows. */
const STORE_RETRY_MS = 5_000;

/** The status of logs for a client that has left; nobody reads it. */
const CLIENT_LEFT = 499;

/** Guards a server. Made by `createGuard`. */
export class Guard<Raw = unknown> {
  static {
    brand(this, "Guard");
  }

  readonly #options: GuardOptions<Raw>;
  readonly #compiled: CompiledGuard<Raw>;
  readonly #errors: ErrorReporter;
  #isToldRepeated = false;
  #configured: { readonly networks: readonly string[]; readonly address: ClientAddressOptions } | undefined;

  /**
   * As `createGuard()`.
   *
   * @param options How it guards.
   * @throws {ConfigError | NotFoundError} If anything is wrong that can be known now.
   */
  constructor(options: GuardOptions<Raw>) {
    this.#options = options;
    this.#compiled = compileGuard(options);
    this.#errors = new ErrorReporter(options.logger ?? console, options.onError);
  }

  /** Whether requests may wait for their turn: then an adapter tells, by a signal, that a client has left. */
  get waits(): boolean {
    return this.#compiled.waitMs > 0 && this.#options.dryRun !== true;
  }

  /**
   * Whether another guard does the same: it is this one, or each of its options is the very same value. For adapters, which
   * ask a guard once about a request, however often it is mounted.
   */
  isSameAs(other: Guard<never>): boolean {
    if ((this as Guard<never>) === other) return true;
    if (!(#options in other)) return false; // of another copy of the package
    const [mine, theirs] = [this.#options, other.#options as GuardOptions<unknown>];
    const names = Object.keys(mine) as (keyof GuardOptions)[];
    return names.length === Object.keys(theirs).length && names.every((name) => Object.is(mine[name], theirs[name]));
  }

  /** Warns, once, that the guard ran twice on one request. */
  tellRepeated(): void {
    if (this.#isToldRepeated) return;
    this.#isToldRepeated = true;
    const limiters = listWords(this.#compiled.rules.map(({ limiter }) => limiter), "and");
    const advice = "it charges a request once. Mount it once, or give the second one other options";
    this.#errors.report("repeated", `a guard of limiter ${limiters} is mounted twice on one request: ${advice}`);
  }

  /**
   * Decides about a request. Rejects only if the guard cannot be used: its limiter is not there, its configuration is
   * wrong, or, if asked for, its store failed.
   *
   * @param facts The request: a `Request`, or what an adapter makes of another one.
   * @throws {NotFoundError | ConfigError} If the limiter or the configuration is not there.
   * @throws {StoreError} If the store failed, the limiter's `onStoreError` is `"throw"`, and so is asked for.
   */
  async admit(facts: RequestFacts<Raw>): Promise<Admission> {
    const address = this.#address();
    const request = new GuardedRequest(facts, address instanceof Promise ? await address : address);
    const { rules, allow, block } = this.#compiled;
    if (this.#options.skipPreflights === true && isPreflight(request)) return OPEN_DOOR;
    if (this.#options.skip !== undefined && await this.#skips(request)) return OPEN_DOOR;
    if (isFrom(block, request)) return await this.#decided(request, [], FORBIDDEN);
    const isFriend = isFrom(allow, request);
    if (isFriend && block.keys.size === 0) return await this.#decided(request, [], {});
    const found = checksOf(rules, request, this.#errors);
    const named = found instanceof Promise ? await found : found;
    if (isNamed(block, named)) return await this.#decided(request, named, FORBIDDEN);
    if (isFriend || isNamed(allow, named)) return await this.#decided(request, named, {});
    const checks = named.filter(({ about }) => about.cost > 0);
    if (checks.length === 0) return OPEN_DOOR;
    const decided = this.#decided(request, checks, await this.#check(request, checks));
    return decided instanceof Promise ? await decided : decided;
  }

  /** Which proxies are trusted: the options say, or the configuration that is in force now. */
  #address(): ClientAddressOptions | Promise<ClientAddressOptions> {
    const { address, source } = this.#compiled;
    if (address.trustedProxies !== undefined) return address;
    const http = source.http();
    return http instanceof Promise ? http.then((later) => this.#addressBy(later)) : this.#addressBy(http);
  }

  #addressBy({ trustedProxyNetworks: networks }: HttpConfig): ClientAddressOptions {
    const { address } = this.#compiled;
    if (networks === undefined) return address;
    if (this.#configured?.networks !== networks) {
      const trustedProxies = new NetworkSet(networks, "http.trustedProxyNetworks");
      this.#configured = { networks, address: { ...address, trustedProxies } };
    }
    return this.#configured.address;
  }

  async #skips(request: GuardedRequest<Raw>): Promise<boolean> {
    try {
      return await this.#options.skip?.(request) === true;
    } catch (error) {
      this.#errors.report("skip", "skip() failed, the request is limited like any other", error);
      return false;
    }
  }

  async #check(request: GuardedRequest<Raw>, checks: readonly LimitCheck<Raw>[]): Promise<CheckResult> {
    const { source, waitMs, statusCode } = this.#compiled;
    try {
      if (this.waits) {
        const permit = await source.wait(checks.map(({ about }) => about), {
          timeoutMs: waitMs,
          signal: request.signal,
        });
        return { permit, decision: permit.decision };
      }
      const decision = await source.take(checks.map(({ about }) => about));
      if (!decision.allowed) return this.#denied(decision);
      return { permit: decision.permit, decision };
    } catch (error) {
      if (RateSyncError.is(error) && error.code === "RATE_LIMITED") {
        return this.#denied((error as RateLimitedError).decision);
      }
      if (request.signal?.aborted) {
        return { refusal: { reason: "aborted", status: CLIENT_LEFT, retryAfterMs: undefined, decision: undefined } };
      }
      if (RateSyncError.is(error) && error.code === "COST_EXCEEDS_LIMIT") {
        this.#errors.report("cost", "a request costs more than its limit ever holds, it is refused", error);
        return { refusal: { reason: "cost", status: statusCode, retryAfterMs: undefined, decision: undefined } };
      }
      if (!(isStoreError(error) || isClosed(error)) || this.#options.throwStoreErrors) throw error;
      this.#errors.report("store", "a store failed, requests are answered 503", error);
      return { refusal: { reason: "store", status: 503, retryAfterMs: STORE_RETRY_MS, decision: undefined } };
    }
  }

  #denied(decision: Decision): CheckResult {
    const { reason = "rate", retryAfterMs } = decision;
    const refusal: Refusal = reason === "store"
      ? { reason, status: 503, retryAfterMs: STORE_RETRY_MS, decision }
      : { reason, status: this.#compiled.statusCode, retryAfterMs, decision };
    return { refusal, decision };
  }

  /** Reports a result, and makes it an admission. */
  #decided(
    request: GuardedRequest<Raw>,
    checks: readonly LimitCheck<Raw>[],
    result: CheckResult,
  ): Admission | Promise<Admission> {
    const { onDecision, dryRun = false } = this.#options;
    const { refusal, decision } = result;
    try {
      const reason = refusal?.reason;
      onDecision?.({ request, reason, keys: checks.map(({ about }) => about.key), decision, dryRun });
    } catch (error) {
      this.#errors.report("onDecision", "onDecision() failed", error);
    }
    if (!this.#compiled.tellsInstants) return this.#answered(request, checks, result, 0);
    return this.#nowMs(decision).then((nowMs) => this.#answered(request, checks, result, nowMs));
  }

  /** Makes a result an admission. */
  #answered(
    request: GuardedRequest<Raw>,
    checks: readonly LimitCheck<Raw>[],
    { refusal, permit, decision }: CheckResult,
    nowMs: number,
  ): Admission | Promise<Admission> {
    const { dryRun = false } = this.#options;
    const told: HeaderPair[] = [];
    if (decision !== undefined && !dryRun) {
      for (const dialect of this.#compiled.dialects) told.push(...rateLimitHeaders(decision, dialect, nowMs));
    }
    if (this.#compiled.exposed !== undefined && !dryRun) told.push([EXPOSED, this.#compiled.exposed]);
    if (refusal === undefined || dryRun) {
      // What another store was charged is not corrected in this one.
      const isCharged = refusal === undefined && decision !== undefined && !decision.degraded;
      const charged = isCharged ? checks.filter(({ settle }) => settle !== undefined) : [];
      return new GuardAdmission({
        headers: told,
        reason: refusal?.reason,
        decision,
        permit: permit?.fencingToken === undefined ? undefined : permit,
        settle: charged.length === 0 ? undefined : (outcome) => this.#settle(request, charged, outcome),
      });
    }
    const { body } = this.#compiled;
    const { onDenied } = this.#options;
    return refuse(refusal, { request, told, body, nowMs, onDenied, errors: this.#errors });
  }

  /** Corrects the charge of every check that says what it has really cost. */
  async #settle(request: GuardedRequest<Raw>, checks: readonly LimitCheck<Raw>[], outcome: Outcome): Promise<void> {
    for (const { about, settle } of checks) {
      try {
        const units = await settle?.({ ...outcome, cost: about.cost }, request) ?? about.cost;
        await correctCharge(await this.#compiled.source.limiter(about.limiter), about, units);
      } catch (error) {
        this.#errors.report("settle", "a cost could not be settled, what was charged stays charged", error);
      }
    }
  }

  /** The present as clients tell it, in milliseconds since the Unix epoch; in tests, as the clock that decided does. */
  async #nowMs(decision: Decision | undefined): Promise<number> {
    if (decision === undefined) return wallMs(systemClock);
    return wallMs((await this.#compiled.source.limiter(decision.limiter)).route.clock);
  }
}

/** What was decided about a request: a refusal, or what admits it. */
interface CheckResult {
  readonly refusal?: Refusal;
  readonly permit?: Permit | undefined;
  readonly decision?: Decision;
}

/** For those whom a list refuses. */
const FORBIDDEN: CheckResult = {
  refusal: { reason: "blockList", status: 403, retryAfterMs: undefined, decision: undefined },
};

/** For requests that no limiter checks. */
const OPEN_DOOR: Admission = Object.freeze(new GuardAdmission({}));

/**
 * Makes a guard for servers without an adapter, or one that several servers share.
 *
 * @example Ten lines without a framework
 * ```ts
 * import { createGuard } from "@ratesync/core/http";
 *
 * const guard = createGuard({ limiter: "api" });
 *
 * async function answer(request: Request): Promise<Response> {
 *   const { allowed, status, headers, body } = await guard.admit(request);
 *   if (!allowed) return new Response(body, { status, headers: headers.map(([name, value]) => [name, value]) });
 *   return new Response("hello");
 * }
 * ```
 *
 * @throws {ConfigError | NotFoundError} If anything is wrong that can be known now.
 */
export function createGuard<Raw = unknown>(options: GuardOptions<Raw>): Guard<Raw> {
  return new Guard(options);
}

/** The guard of an adapter, which takes options, or a guard that was made before. */
export function guardOf<Raw>(guardOrOptions: Guard<Raw> | GuardOptions<Raw>): Guard<Raw> {
  return guardOrOptions instanceof Guard ? guardOrOptions : new Guard(guardOrOptions);
}
