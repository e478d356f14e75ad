/**
 * The same sequence of requests on the memory store, whose kernels are the reference, and on another store.
 *
 * @module
 */

import assert from "node:assert/strict";

import type { RateState } from "../../src/algorithms/kernels.ts";
import type { LimiterOptions } from "../../src/policy/options.ts";
import type { Policy } from "../../src/policy/policy.ts";
import { compilePolicy } from "../../src/policy/compile_policy.ts";
import { MemoryStore } from "../../src/stores/memory/memory_store.ts";
import {
  type DoneReply,
  marksOf,
  type Store,
  type StoreRequest,
  type TakeReply,
  type TakeRequest,
  type Target,
  type Wakeup,
} from "../../src/stores/store.ts";
import { waiterId } from "../../src/stores/waiter_id.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import type { Step } from "./arbitraries.ts";
import { assertSame } from "./same.ts";

/** How long messages may be on their way. */
const NOTICE_MS = 1_000;

/** The store that is compared. */
export interface ParitySubject {
  /** It takes its time from the clock of the sequence. */
  readonly store: Store;
  /** The same store, as another process sees it. */
  readonly another: Store;
  /**
   * Compares what is stored for a target.
   *
   * @param states What the memory store keeps.
   * @param latestUs The latest reading of the clock: keys expire by time that does not step back.
   */
  compare(target: Target, states: readonly RateState[], latestUs: number): Promise<void>;
}

/** Opens the store that is compared, empty. */
export type OpenParitySubject = (clock: FakeClock) => ParitySubject;

/** Runs one sequence on both stores and compares every reply, wakeup and stored state, to the integer. */
export async function assertParityOf(
  limiters: readonly LimiterOptions[],
  startUs: number,
  steps: readonly Step[],
  open: OpenParitySubject,
): Promise<void> {
  const batches: [Step, ...Step[]][] = [];
  for (const step of steps) {
    const batch = batches.at(-1);
    if (step.together && batch !== undefined) batch.push(step);
    else batches.push([step]);
  }
  await assertBatchParityOf(limiters, startUs, batches, open);
}

/** The same with several steps in one batch: at the instant to which the first of them moves. */
export async function assertBatchParityOf(
  limiters: readonly LimiterOptions[],
  startUs: number,
  batches: readonly (readonly [Step, ...Step[]])[],
  open: OpenParitySubject,
): Promise<void> {
  const run = new ParityRun(limiters, startUs, open);
  await run.listen();
  for (const batch of batches) await run.batch(batch);
  await run.compareNotices();
}

class ParityRun {
  readonly #targets: readonly Target[];
  readonly #clock: FakeClock;
  readonly #memory: MemoryStore;
  readonly #subject: ParitySubject;
  /** Two processes that listen, and one that has gone. */
  readonly #instances = ["one", "two", "gone"];
  readonly #takes = new Map<string, TakeRequest>();
  readonly #wakeups: { memory: Wakeup[]; other: Wakeup[] } = { memory: [], other: [] };
  /** The latest takes of which nothing was given back. */
  readonly #taken: { readonly request: TakeRequest; readonly reply: TakeReply }[] = [];
  #sequence = 0;
  #retryUs = 0;
  /** The latest reading: keys expire by time that does not step back. */
  #latestUs = 0;

  constructor(limiters: readonly LimiterOptions[], startUs: number, open: OpenParitySubject) {
    this.#clock = new FakeClock(startUs);
    this.#memory = new MemoryStore({ clock: this.#clock });
    this.#subject = open(this.#clock);
    // The same options are the same policy: several keys of one limiter, as far as scripts can tell.
    const policies = new Map(limiters.map((options) => [options, compilePolicy(options)]));
    this.#targets = limiters.map((options, i): Target => {
      const policy = policies.get(options) as Policy;
      return { limiter: `l${i}`, key: i === 1 ? undefined : "k", policy, cost: 1, permits: policy.maxConcurrent && 1 };
    });
  }

  async listen(): Promise<void> {
    if (this.#targets.every((target) => target.permits === 0)) return;
    for (const instance of this.#instances.slice(0, 2)) {
      for (const kind of ["memory", "other"] as const) {
        // The second one is a process of its own, which hears by messages; the first one in the replies to its calls.
        const other = instance === "two" ? this.#subject.another : this.#subject.store;
        await (kind === "memory" ? this.#memory : other).listen({
          instance,
          targetOf: (id) => this.#takes.get(id)?.targets[0],
          wakeup: (wakeup) => void this.#wakeups[kind].push(wakeup),
          missed: () => {},
        });
      }
    }
  }

  async batch(steps: readonly [Step, ...Step[]]): Promise<void> {
    const { move } = steps[0];
    const now = this.#clock.nowUs();
    this.#clock.set(now + (move.by === "us" ? move.us : Math.max(this.#retryUs + move.offsetUs, 0)));
    this.#latestUs = Math.max(this.#latestUs, this.#clock.nowUs());
    this.#retryUs = 0;
    const requests = steps.flatMap((step) => {
      const request = this.#request(step);
      if (request?.op === "take") this.#takes.set(request.id, request);
      return request ?? [];
    });
    if (requests.length === 0) return;
    const [expected, actual] = await Promise.all([this.#memory, this.#subject.store].map((store) => {
      return Promise.all(requests.map((request) => store.execute(request)));
    })) as [TakeReply[], TakeReply[]];
    assertSame(
      actual.map(plain),
      expected.map(plain),
      () => `${steps.map(({ ask }) => ask)} at ${this.#clock.nowUs()}`,
    );
    await Promise.all(this.#targets.map((target) => {
      return this.#subject.compare(target, this.#memory.statesOf(target), this.#latestUs);
    }));
    for (const [i, request] of requests.entries()) this.#remember(request, expected[i] as TakeReply);
  }

  async compareNotices(): Promise<void> {
    const { memory, other } = this.#wakeups;
    const untilMs = Date.now() + NOTICE_MS;
    while (other.length < memory.length && Date.now() < untilMs) await new Promise((resolve) => setTimeout(resolve, 1));
    // What comes with replies and what comes as messages may pass each other.
    const byInstance = (wakeups: Wakeup[]) =>
      this.#instances.map((instance) => wakeups.filter(({ id }) => id.startsWith(`${instance}.`)));
    assert.deepEqual(byInstance(other), byInstance(memory), "wakeups");
    assert.equal(other.length, memory.length);
  }

  #request({ ask, share, pick, only }: Step): StoreRequest | undefined {
    const targets = this.#pick(share, pick, only === undefined ? undefined : 1 << only % this.#targets.length);
    switch (ask) {
      case "now":
      case "wait":
      case "peek": {
        const maxWaitUs = ask === "wait" ? [5_000_000, 5_000_000, 150_000, 1e15][pick % 4] as number : 0;
        const { cost, permits, policy: { leaseTtlUs } } = targets[0] as Target;
        const instance = this.#instances[[0, 0, 0, 1, 1, 1, 2][pick % 7] as number] as string;
        const direct = targets.length === 1;
        const id = waiterId({ instance, sequence: this.#sequence++, direct, maxWaitUs, permits, cost, leaseTtlUs });
        return { op: "take", targets, mode: ask, maxWaitUs, id, arrivalUs: 0 };
      }
      case "again": {
        const take = this.#one(pick);
        if (take === undefined || take.arrivalUs === 0) return undefined;
        const [target, ...more] = take.targets as [Target, ...Target[]];
        return more.length > 0 ? take : { op: "poll", id: take.id, arrivalUs: take.arrivalUs, targets: [target] };
      }
      case "giveBack": {
        const [taken] = this.#taken.splice(-1 - pick % Math.min(this.#taken.length, 5), 1);
        if (taken === undefined) return undefined;
        const { request, reply } = taken;
        const back = request.targets.map((target) => ({ ...target, cost: Math.ceil(target.cost * (1 - share)) || 1 }));
        return { op: "giveBack", targets: back, marks: marksOf(request.targets, reply) };
      }
      case "block":
        return {
          op: "block",
          targets,
          durationUs: share === 0 ? 0 : Math.ceil(share * 10_000),
          keepLonger: pick % 2 === 1,
        };
      case "release":
      case "renew": {
        const take = this.#one(pick);
        const held = take?.targets.filter(({ permits }) => permits > 0) ?? [];
        return take === undefined || held.length === 0 ? undefined : { op: ask, targets: held, id: take.id };
      }
      case "refund":
      case "penalize": {
        const rated = targets.filter(({ policy }) => policy.rates.length > 0);
        return rated.length === 0 ? undefined : { op: ask, targets: rated };
      }
      case "reset":
        return share > 0.5 ? { op: ask, targets } : undefined;
    }
  }

  /** Some of the targets, at least one. */
  #pick(share: number, pick: number, mask: number = 1 + pick % (2 ** this.#targets.length - 1)): Target[] {
    return this.#targets.filter((_, i) => mask & 1 << i).map((target) => {
      const { capacity, maxConcurrent } = target.policy;
      const permits = maxConcurrent > 1 && pick % 5 === 0 ? 2 : target.permits;
      return { ...target, cost: 1 + Math.floor(share * (capacity - 1)), permits };
    });
  }

  /** One of those who took or queued last. */
  #one(pick: number): TakeRequest | undefined {
    return [...this.#takes.values()].at(-1 - pick % 6);
  }

  #remember(request: StoreRequest, reply: TakeReply): void {
    if (request.op !== "take" && request.op !== "poll") return;
    const take = this.#takes.get(request.id);
    if (take === undefined) return;
    if (reply.repeated) return;
    if (reply.status === "allowed" && request.op === "take" && request.mode !== "peek") {
      this.#taken.push({ request, reply });
    } else this.#retryUs = Math.min(reply.waitUs, 1e9);
    // A call over several that was served asks again, as one does whose reply was lost.
    const servedUs = reply.status === "allowed" && take.targets.length > 1 ? take.arrivalUs : 0;
    this.#takes.set(request.id, { ...take, arrivalUs: reply.status === "queued" ? reply.arrivalUs : servedUs });
    const held = take.mode !== "peek" && (reply.status === "allowed" || reply.status === "queued");
    if (!held || take.targets.every(({ permits }) => permits === 0)) this.#takes.delete(request.id);
  }
}

/** What a reply tells, whether it is a plain object or makes its levels when asked. */
export function plain(reply: TakeReply | DoneReply): object {
  if (!("status" in reply)) return reply;
  const { status, nowUs, waitUs, arrivalUs, levels, times, repeated, forgotten } = reply;
  return { status, nowUs, waitUs, arrivalUs, levels, times, repeated, forgotten };
}
