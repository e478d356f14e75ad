/**
 * What a guard says about a request.
 *
 * @module
 */

import type { Decision } from "../limiter/result/decision.ts";
import type { Permit } from "../limiter/result/decision.ts";
import type { RefusalReason } from "./denial.ts";
import type { HeaderPair } from "./header_pair.ts";
import type { Outcome } from "./settle.ts";

/** What a guard says about a request, and how to tell the guard that the request is over. */
export interface Admission {
  /** Whether the request goes on. If not, `status`, `headers` and `body` are the answer. */
  readonly allowed: boolean;
  /** The status of the answer; 200 where the request goes on, and the application says what it is. */
  readonly status: number;
  /** Headers to set on the answer, also where the request goes on: see `setHeaders`. */
  readonly headers: readonly HeaderPair[];
  /** The body of a refusal, whose type is among the headers; empty where the request goes on. */
  readonly body: string;
  /** Why it is refused, or would be in a dry run. */
  readonly reason: RefusalReason | undefined;
  /** The decision; `undefined` where no limiter was asked. */
  readonly decision: Decision | undefined;
  /**
   * Whether `finish` has anything to do: a slot to give back, or a cost to settle. If not, an adapter need not watch the
   * answer.
   */
  readonly isOpen: boolean;
  /**
   * Says that the request is over: gives its slot back, and settles its cost. Only the first call does anything. Never
   * rejects. A slot whose request is never finished is held as long as this process lives, and for its lease after that.
   */
  finish(outcome?: Outcome): Promise<void>;
}

/** What an admission keeps of its guard. */
export interface Guarding {
  /** Whether another guard does the same. */
  isSameAs(other: Guarding): boolean;
}

/** What an admission is made of. */
export interface AdmissionParts
  extends Partial<Pick<Admission, "status" | "headers" | "body" | "reason" | "decision">> {
  /** The slot, if there is one. */
  readonly permit?: Permit | undefined;
  /** Settles the cost, if there is anything to settle. Never rejects. */
  readonly settle?: ((outcome: Outcome) => Promise<void>) | undefined;
}

/** An admission. */
export class GuardAdmission implements Admission {
  /** Whether the request goes on. */
  readonly allowed: boolean;
  /** The status of the answer. */
  readonly status: number;
  /** Headers to set on the answer. */
  readonly headers: readonly HeaderPair[];
  /** The body of a refusal. */
  readonly body: string;
  /** Why it is refused, or would be in a dry run. */
  readonly reason: RefusalReason | undefined;
  /** The decision. */
  readonly decision: Decision | undefined;
  readonly #permit: Permit | undefined;
  readonly #settle: ((outcome: Outcome) => Promise<void>) | undefined;
  #finished: Promise<void> | undefined;
  /** The guard that made it, where `remember` keeps it with its request. */
  guard: Guarding | undefined;
  /** What another guard has said about the same request before. */
  earlier: GuardAdmission | undefined;

  /**
   * Denies the request if there is a status; else allows it.
   *
   * @param parts What it is made of.
   */
  constructor(parts: AdmissionParts) {
    this.allowed = parts.status === undefined;
    this.status = parts.status ?? 200;
    this.headers = parts.headers ?? [];
    this.body = parts.body ?? "";
    this.reason = parts.reason;
    this.decision = parts.decision;
    this.#permit = parts.permit;
    this.#settle = parts.settle;
    this.#finished = undefined;
    this.guard = undefined;
    this.earlier = undefined;
  }

  /** Whether `finish` has anything to do. */
  get isOpen(): boolean {
    return this.#finished === undefined && (this.#permit !== undefined || this.#settle !== undefined);
  }

  /** Says that the request is over. */
  finish(outcome: Outcome = {}): Promise<void> {
    return this.#finished ??= this.#finish(outcome);
  }

  async #finish(outcome: Outcome): Promise<void> {
    await Promise.all([this.#permit?.release(), this.#settle?.(outcome)]);
  }
}
