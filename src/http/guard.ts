/**
 * The guard decides whether a request may go ahead. It knows no framework; adapters do.
 *
 * An adapter takes all options of a guard as its own, and does four things:
 *
 * 1. It makes the guard once: `guardOf(options)`.
 * 2. For each request, it awaits `guard.admit({ method, url, headers, peer, signal, raw })`. A `Request` can be passed as it
 *    is, but it has no `peer`.
 * 3. It sets the headers of the admission on the answer, to an allowed and to a denied request:
 *    `setHeaders(admission.headers, target)`. If the request is denied, it sends `status` and `body`, and need not call
 *    `finish`.
 * 4. If the request is allowed and `admission.isOpen`, it calls `admission.finish({ status, bytes, aborted, error })` when
 *    the answer has been sent, when the client has left, or when the handler has thrown. Only the first call counts.
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
import { heed } from "../base/heed.ts";
import { showAs } from "../base/inspect.ts";
import { listWords } from "../base/text.ts";
import type { Decision } from "../decision/decision.ts";
import { type Admission, GuardAdmission, type Settler } from "./admission.ts";
import { ALLOWED, BLOCKED, type CheckResult, resultOf, resultOfError } from "./check_result.ts";
import { type CompiledGuard, compileGuard } from "./compile_guard.ts";
import { ErrorReporter } from "./error_reporter.ts";
import { type Exemptions, isFrom, isNamed, isPreflight } from "./exemptions.ts";
import type { HeaderPair } from "./header_pair.ts";
import { checksOf, type LimitCheck } from "./limit_checks.ts";
import type { GuardOptions } from "./options.ts";
import { refuse } from "./refuse.ts";
import { GuardedRequest, type RequestFacts } from "./request.ts";
import { settleCharges } from "./settle_charges.ts";

/** Guards a server. Made by `createGuard`. */
export class Guard<Raw = unknown> {
  static {
    brand(this, "Guard");
    showAs<Guard>(Guard.prototype, "Guard", (it) => ({ limiters: it.#limiters }));
  }

  readonly #options: GuardOptions<Raw>;
  readonly #compiled: CompiledGuard<Raw>;
  readonly #errors: ErrorReporter;
  #hasReportedRepeated = false;

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

  /** Whether requests may wait: then an adapter passes a signal that is aborted when the client has left. */
  get waits(): boolean {
    return this.#compiled.waits;
  }

  /**
   * Whether another guard does the same: it is this one, or has identical options. Adapters call a
   * guard once for each request, however often it is mounted.
   */
  isSameAs(other: object): boolean {
    if (this === other) return true;
    if (!(#options in other)) return false; // of another copy of the package
    const [mine, theirs] = [this.#options, (other as Guard).#options];
    const names = Object.keys(mine) as (keyof GuardOptions)[];
    return names.length === Object.keys(theirs).length && names.every((name) => Object.is(mine[name], theirs[name]));
  }

  /** Warns, once, that the guard ran twice on one request. */
  reportRepeated(): void {
    if (this.#hasReportedRepeated) return;
    this.#hasReportedRepeated = true;
    const limiters = listWords(this.#limiters, "and");
    const advice = "it charges a request once. Mount it once, or give the second one other options";
    this.#errors.report("repeated", `a guard of limiter ${limiters} is mounted twice on one request: ${advice}`);
  }

  /**
   * Decides about a request. Rejects only if the limiter does not exist, the configuration is wrong, or the store
   * failed and `throwStoreErrors` is set.
   *
   * @param facts The request: a `Request`, or what an adapter makes of another one.
   * @throws {NotFoundError | ConfigError} If the limiter or the configuration is not there.
   * @throws {StoreError} If the store failed, the limiter's `onStoreError` is `"throw"`, and `throwStoreErrors` is set.
   */
  async admit(facts: RequestFacts<Raw>): Promise<Admission> {
    return await this.admitNow(facts);
  }

  /**
   * As `admit`, without a promise where the decision needs none: the store is in this process, and no function among
   * the options returns a promise. Throws what `admit` rejects with.
   *
   * @internal
   */
  admitNow(facts: RequestFacts<Raw>): Admission | Promise<Admission> {
    const address = this.#compiled.address.now();
    return address instanceof Promise
      ? address.then((known) => this.#admit(new GuardedRequest(facts, known)))
      : this.#admit(new GuardedRequest(facts, address));
  }

  #admit(request: GuardedRequest<Raw>): Admission | Promise<Admission> {
    const { rules, exemptions } = this.#compiled;
    if (exemptions !== undefined) return this.#admitUnlessExempt(request, exemptions);
    const checks = checksOf(rules, request, this.#errors);
    return checks instanceof Promise
      ? checks.then((later) => this.#check(request, later))
      : this.#check(request, checks);
  }

  async #admitUnlessExempt(request: GuardedRequest<Raw>, exemptions: Exemptions): Promise<Admission> {
    const { skips, skipPreflights, allow, block } = exemptions;
    if (skipPreflights && isPreflight(request)) return new GuardAdmission(ALLOWED);
    if (skips && await this.#skips(request)) return new GuardAdmission(ALLOWED);
    if (isFrom(block, request)) return await this.#conclude(request, [], BLOCKED);
    const isAllowed = isFrom(allow, request);
    if (isAllowed && block.keys.size === 0) return await this.#conclude(request, [], ALLOWED);
    const checks = await checksOf(this.#compiled.rules, request, this.#errors);
    if (isNamed(block, checks)) return await this.#conclude(request, checks, BLOCKED);
    if (isAllowed || isNamed(allow, checks)) return await this.#conclude(request, checks, ALLOWED);
    return await this.#check(request, checks);
  }

  async #skips(request: GuardedRequest<Raw>): Promise<boolean> {
    try {
      return await this.#options.skip?.(request) === true;
    } catch (error) {
      this.#errors.report("skip", "skip() failed, the request is limited like any other", error);
      return false;
    }
  }

  /** Checks the limiters, of those under which the request costs anything. */
  #check(request: GuardedRequest<Raw>, all: readonly LimitCheck<Raw>[]): Admission | Promise<Admission> {
    const { source, waits, waitMs, statusCode } = this.#compiled;
    const checks = this.#compiled.mayBeFree ? all.filter(({ cost }) => cost > 0) : all;
    if (checks.length === 0) return new GuardAdmission(ALLOWED);
    if (waits) {
      const failed = (error: unknown) => this.#conclude(request, checks, this.#resultOfError(request, error));
      return source.wait(checks, { timeoutMs: waitMs, signal: request.signal })
        .then((permit) => this.#conclude(request, checks, resultOf(permit.decision, statusCode, permit)), failed);
    }
    let decision: Decision | Promise<Decision>;
    try {
      decision = source.decide(checks);
    } catch (error) {
      return this.#conclude(request, checks, this.#resultOfError(request, error));
    }
    if (!(decision instanceof Promise)) return this.#conclude(request, checks, resultOf(decision, statusCode));
    return decision.then(
      (later) => this.#conclude(request, checks, resultOf(later, statusCode)),
      (error) => this.#conclude(request, checks, this.#resultOfError(request, error)),
    );
  }

  #resultOfError({ signal }: GuardedRequest<Raw>, error: unknown): CheckResult {
    const { statusCode } = this.#compiled;
    const { throwStoreErrors } = this.#options;
    return resultOfError(error, { signal, statusCode, throwStoreErrors, errors: this.#errors });
  }

  /** Calls `onDecision`, and makes a result an admission. */
  #conclude(
    request: GuardedRequest<Raw>,
    checks: readonly LimitCheck<Raw>[],
    result: CheckResult,
  ): Admission | Promise<Admission> {
    const { onDecision, dryRun = false } = this.#options;
    if (onDecision !== undefined) {
      const failed = (error: unknown) => this.#errors.report("onDecision", "onDecision() failed", error);
      const { refusal, decision } = result;
      try {
        const keys = checks.map(({ key }) => key);
        heed(onDecision({ request, reason: refusal?.reason, keys, decision, dryRun }), failed);
      } catch (error) {
        failed(error);
      }
    }
    if (!this.#compiled.tellsInstants) return this.#answer(request, checks, result, 0);
    const nowMs = this.#nowMs(result.decision);
    return nowMs instanceof Promise
      ? nowMs.then((later) => this.#answer(request, checks, result, later))
      : this.#answer(request, checks, result, nowMs);
  }

  #answer(
    request: GuardedRequest<Raw>,
    checks: readonly LimitCheck<Raw>[],
    result: CheckResult,
    nowMs: number,
  ): Admission | Promise<Admission> {
    const { dryRun = false, onDenied } = this.#options;
    const { headers: writer, body, explains, settles } = this.#compiled;
    const { refusal, decision } = result;
    const headers = dryRun ? NO_HEADERS : writer.of(decision, nowMs);
    if (refusal !== undefined && !dryRun) {
      return refuse(refusal, { request, headers, body, explains, nowMs, onDenied, errors: this.#errors });
    }
    // What another store was charged is not corrected in this one.
    const isCharged = refusal === undefined && decision !== undefined && !decision.degraded;
    return new GuardAdmission(result, headers, settles && isCharged ? this.#settlerOf(request, checks) : undefined);
  }

  /** The ids of its limiters. */
  get #limiters(): string[] {
    return this.#compiled.rules.map(({ limiter }) => limiter);
  }

  /** Corrects the charges of a request; `undefined` where none of its rules has a function `settle`. */
  #settlerOf(request: GuardedRequest<Raw>, checks: readonly LimitCheck<Raw>[]): Settler | undefined {
    if (!checks.some(({ settle }) => settle !== undefined)) return undefined;
    const context = { request, source: this.#compiled.source, errors: this.#errors };
    return (outcome) => settleCharges(checks, outcome, context);
  }

  /** The present as clients know it, in milliseconds since the Unix epoch; in tests, by the clock that decided. */
  #nowMs(decision: Decision | undefined): number | Promise<number> {
    if (decision === undefined) return wallMs(systemClock);
    const limiter = this.#compiled.source.limiter(decision.limiter);
    return limiter instanceof Promise
      ? limiter.then(({ access }) => wallMs(access.clock))
      : wallMs(limiter.access.clock);
  }
}

const NO_HEADERS: readonly HeaderPair[] = [];

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
