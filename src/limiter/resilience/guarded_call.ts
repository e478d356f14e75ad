/**
 * What is waited for at a store, one object each.
 *
 * @module
 */

import { Deadlined, type DeadlineLine } from "../../base/deadline.ts";
import type { StoreError } from "../../base/errors.ts";
import type { DoneReply, ReleaseRequest, ReplySink, StoreRequest, TakeReply, TakeRequest } from "../../stores/store.ts";
import type { Breaker } from "./breaker.ts";
import type { StoreSession } from "../store_session.ts";

/** What becomes of the outcome of a call. */
export interface Conclusion<Answer> {
  /** Makes the answer from a reply to a request, which was asked at an instant of the client's clock. */
  reply(client: StoreSession, request: TakeRequest, reply: TakeReply, askedUs: number): Answer | Promise<Answer>;
  /** Makes the answer where there is no reply, or not in time. May throw. */
  failure(client: StoreSession, error: unknown): Answer | Promise<Answer>;
  /** There will be no reply, whether or not there was one in time: the request may have run. */
  lost?(client: StoreSession, request: TakeRequest, error: unknown): void;
}

/** Who hears of calls. */
export interface CallWatch {
  /** Counts the outcomes. */
  readonly breaker: Breaker;
  /** Counts an answer, and takes the time that it tells. */
  answered(call: { readonly client: StoreSession; readonly askedUs: number }, reply: TakeReply): void;
  /** Takes a reply that came when nobody waited for it any more. */
  late(request: TakeRequest, reply: TakeReply): void;
  /** Takes word of a call that has failed, or was not answered in time. */
  failed(error: unknown, call: { readonly mark: number; readonly request: StoreRequest }): void;
  /** Makes the error of a call that was not answered in time. */
  lateError(request: StoreRequest): StoreError;
}

/** A decision that is waited for. One object for each: this is the hottest path of all. */
export class GuardedCall<Answer> extends Deadlined implements ReplySink<TakeReply> {
  readonly client: StoreSession;
  readonly request: TakeRequest;
  readonly mark: number;
  readonly askedUs: number;
  line: DeadlineLine | undefined;
  readonly #watch: CallWatch;
  readonly #conclusion: Conclusion<Answer>;
  readonly #resolve: (answer: Answer | Promise<Answer>) => void;
  readonly #reject: (error: unknown) => void;

  constructor(
    watch: CallWatch,
    client: StoreSession,
    request: TakeRequest,
    conclusion: Conclusion<Answer>,
    resolve: (answer: Answer | Promise<Answer>) => void,
    reject: (error: unknown) => void,
  ) {
    super();
    this.client = client;
    this.request = request;
    this.mark = watch.breaker.mark;
    this.askedUs = client.clock.nowUs();
    this.line = undefined;
    this.#watch = watch;
    this.#conclusion = conclusion;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  answered(reply: TakeReply): void {
    this.#watch.answered(this, reply);
    if (this.line !== undefined && !this.line.delete(this)) return this.#watch.late(this.request, reply);
    try {
      this.#resolve(this.#conclusion.reply(this.client, this.request, reply, this.askedUs));
    } catch (error) {
      this.#reject(error);
    }
  }

  failed(error: unknown): void {
    this.#watch.failed(error, this);
    this.#conclusion.lost?.(this.client, this.request, error);
    if (this.line === undefined || this.line.delete(this)) this.#fail(error);
  }

  override expire(): void {
    const error = this.#watch.lateError(this.request);
    this.#watch.failed(error, this);
    this.#fail(error);
  }

  #fail(error: unknown): void {
    try {
      this.#resolve(this.#conclusion.failure(this.client, error));
    } catch (thrown) {
      this.#reject(thrown);
    }
  }
}

/** A release that is waited for. Its caller learns nothing but that it need not wait any longer. */
export class GuardedRelease extends Deadlined implements ReplySink<DoneReply> {
  readonly request: ReleaseRequest;
  readonly mark: number;
  line: DeadlineLine | undefined;
  readonly #watch: CallWatch;
  readonly #done: () => void;

  constructor(watch: CallWatch, request: ReleaseRequest, done: () => void) {
    super();
    this.request = request;
    this.mark = watch.breaker.mark;
    this.line = undefined;
    this.#watch = watch;
    this.#done = done;
  }

  answered(): void {
    this.#watch.breaker.answered();
    this.line?.delete(this);
    this.#done();
  }

  failed(error: unknown): void {
    this.#watch.failed(error, this);
    this.line?.delete(this);
    this.#done();
  }

  override expire(): void {
    this.#watch.failed(this.#watch.lateError(this.request), this);
    this.#done();
  }
}

/** Any other wait. */
export class GuardedWait extends Deadlined {
  readonly #onDue: () => void;

  constructor(onDue: () => void) {
    super();
    this.#onDue = onDue;
  }

  override expire(): void {
    this.#onDue();
  }
}
