/**
 * What a guard has decided about a request.
 *
 * @module
 */

import type { Decision, Permit } from "../decision/decision.ts";
import type { CheckResult } from "./check_result.ts";
import type { Refusal, RefusalReason } from "./denial.ts";
import type { HeaderPair } from "./header_pair.ts";
import type { Outcome } from "./settle.ts";

/** What a guard has decided about a request. `finish` ends it. */
export interface Admission {
  /** Whether the request is allowed. If not, `status`, `headers` and `body` are the answer. */
  readonly allowed: boolean;
  /** The status of the answer to a denied request; 200 for an allowed one, whose status the application chooses. */
  readonly status: number;
  /** Headers to set on the answer, also to an allowed request: see `setHeaders`. */
  readonly headers: readonly HeaderPair[];
  /** The body of a denial, whose type is among the headers; empty where the request is allowed. */
  readonly body: string;
  /** Why it is denied, or would be without the dry run. */
  readonly reason: RefusalReason | undefined;
  /** The decision; `undefined` where no limiter was checked. */
  readonly decision: Decision | undefined;
  /**
   * Whether `finish` has work: a permit to release, or a cost to settle. If not, an adapter need not watch the answer.
   */
  readonly isOpen: boolean;
  /**
   * Ends the request: releases its permit, and settles its cost. Only the first call has an effect. Does not reject.
   * The permit of a request that is not finished is held as long as this process lives, and for its lease after that.
   */
  finish(outcome?: Outcome): Promise<void>;
}

/** What an admission keeps of its guard. */
export interface Guarding {
  /** Whether another guard does the same. */
  isSameAs(other: object): boolean;
}

/** What an admission takes from the checks. */
export interface AdmissionFacts extends Pick<CheckResult, "decision" | "permit"> {
  /** Why the request is denied, or would be in a dry run. */
  readonly refusal: Pick<Refusal, "reason"> | undefined;
}

/** Settles the cost of a request when it is over. Never rejects. */
export type Settler = (outcome: Outcome) => Promise<void>;

/** What is sent in place of the answer to a request that is denied. */
export interface DeniedAnswer {
  /** The status. */
  readonly status: number;
  /** The body. */
  readonly body: string;
}

/** An admission. */
export class GuardAdmission implements Admission {
  /** Whether the request is allowed. */
  readonly allowed: boolean;
  /** The status of the answer. */
  readonly status: number;
  /** Headers to set on the answer. */
  readonly headers: readonly HeaderPair[];
  /** The body of a denial. */
  readonly body: string;
  /** Why it is denied, or would be without the dry run. */
  readonly reason: RefusalReason | undefined;
  /** The decision. */
  readonly decision: Decision | undefined;
  readonly #permit: Permit | undefined;
  readonly #settle: Settler | undefined;
  #finished: Promise<void> | undefined;
  /** The guard that made it, where `remember` keeps it with its request. */
  guard: Guarding | undefined;
  /** What another guard has said about the same request before. */
  earlier: GuardAdmission | undefined;

  /**
   * Denies the request if there is an answer; else allows it.
   *
   * @param facts What was decided.
   * @param headers Headers to set on the answer.
   * @param settle Settles the cost, if there is anything to settle.
   * @param answer The answer to a request that is denied.
   */
  constructor(facts: AdmissionFacts, headers: readonly HeaderPair[] = [], settle?: Settler, answer?: DeniedAnswer) {
    this.allowed = answer === undefined;
    this.status = answer === undefined ? 200 : answer.status;
    this.headers = headers;
    this.body = answer === undefined ? "" : answer.body;
    this.reason = facts.refusal?.reason;
    this.decision = facts.decision;
    this.#permit = facts.permit;
    this.#settle = settle;
    this.#finished = undefined;
    this.guard = undefined;
    this.earlier = undefined;
  }

  /** Whether `finish` has anything to do. */
  get isOpen(): boolean {
    return this.#finished === undefined && (this.#permit !== undefined || this.#settle !== undefined);
  }

  /** Ends the request. */
  finish(outcome: Outcome = {}): Promise<void> {
    return this.#finished ??= this.#finish(outcome);
  }

  async #finish(outcome: Outcome): Promise<void> {
    await Promise.all([this.#permit?.release(), this.#settle?.(outcome)]);
  }
}
