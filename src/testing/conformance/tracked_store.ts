/**
 * A store with an eye on it: what is in flight, and whether its wakeups have arrived.
 *
 * @module
 */

import { systemClock } from "../../base/clock.ts";
import type { StoreError } from "../../base/errors.ts";
import { compilePolicy } from "../../policy/compile_policy.ts";
import type { Board } from "../../stores/board.ts";
import type {
  KeyQuery,
  ReplyTo,
  Store,
  StoredKey,
  StoreLoad,
  StoreRequest,
  Target,
  WakeupListener,
} from "../../stores/store.ts";
import { waiterId } from "../../stores/waiter_id.ts";
import { nextTurn } from "../fake_clock.ts";

/** How long a store may take for anything, in real milliseconds. */
const DEADLINE_MS = 10_000;

/** The instance under which the tracker itself listens. */
const INSTANCE = "tracker";

const TARGET: Target = {
  limiter: "conformance-tracker",
  key: undefined,
  policy: compilePolicy({ maxConcurrent: 1 }),
  cost: 1,
  permits: 1,
};

/** So many keys most probably lie on every node. */
const KEYS_A_PATH = 8;

/** Passes everything on to the store under test, and knows when there is nothing left to wait for. */
export class TrackedStore implements Store {
  /** What kind of store it is. */
  readonly engine: string;
  /** Whether it is inside this process. */
  readonly isLocal: boolean;
  /** Whether it answers before `execute` returns. */
  readonly answersAtOnce: boolean;
  /** While set, the store cannot be reached: requests fail with this. */
  failure: StoreError | undefined;
  readonly #store: Store;
  readonly #targets: readonly Target[];
  readonly #inFlight = new Set<Promise<unknown>>();
  readonly #arrivals = new Map<string, () => void>();
  #sequence = 0;
  #listening: Promise<void> | undefined;
  #closed = false;

  /**
   * @param store The store under test.
   * @param wakeupPaths On how many ways its wakeups come.
   */
  constructor(store: Store, wakeupPaths: number = 1) {
    this.#store = store;
    const count = wakeupPaths === 1 ? 1 : KEYS_A_PATH * wakeupPaths;
    this.#targets = Array.from({ length: count }, (_, i) => i === 0 ? TARGET : { ...TARGET, key: `probe:${i}` });
    this.engine = store.engine;
    this.isLocal = store.isLocal ?? false;
    this.answersAtOnce = store.answersAtOnce ?? false;
  }

  /** What is on its way to the store. */
  get load(): StoreLoad | undefined {
    return this.#store.load;
  }

  /** That of the store. */
  get board(): Board | undefined {
    return this.#store.board;
  }

  /** Whether it has been closed. */
  get closed(): boolean {
    return this.#closed;
  }

  /** As the store does. */
  execute<Request extends StoreRequest>(
    request: Request,
    signal?: AbortSignal,
  ): ReplyTo<Request> | Promise<ReplyTo<Request>> {
    if (this.failure !== undefined) throw this.failure;
    const reply = this.#store.execute(request, signal);
    return reply instanceof Promise ? this.#track(reply) : reply;
  }

  /** As the store does. */
  async listen(listener: WakeupListener): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    this.#listening ??= this.#track(this.#store.listen({
      instance: INSTANCE,
      targetOf: () => TARGET,
      wakeup: ({ id }) => this.#arrivals.get(id)?.(),
      missed: () => {},
    }));
    await this.#listening;
    await this.#track(this.#store.listen(listener));
  }

  /** Whether the store lists its keys. */
  get listsKeys(): boolean {
    return this.#store.listKeys !== undefined;
  }

  /** As the store does, if it does. */
  listKeys(query: KeyQuery): AsyncIterable<StoredKey> {
    if (this.#store.listKeys === undefined) throw new Error("Cannot list keys: the store does not do that");
    return this.#store.listKeys(query);
  }

  /** As the store does. */
  resetAll(): Promise<void> {
    return this.#track(this.#store.resetAll());
  }

  /** As the store does. */
  connect(): Promise<void> {
    return this.#track(this.#store.connect());
  }

  /** As the store does. */
  close(): Promise<void> {
    this.#closed = true;
    return this.#track(this.#store.close());
  }

  /**
   * Resolves when every request has been answered, every wakeup has arrived, and nothing came of either.
   *
   * @throws {Error} If the store takes longer than ten seconds of real time.
   */
  async settle(): Promise<void> {
    do {
      await this.#idle();
      if (this.#listening !== undefined && !this.#closed) {
        await Promise.all(this.#targets.map((target) => this.#noticesArrived(target)));
      }
      await nextTurn();
    } while (this.#inFlight.size > 0);
  }

  async #idle(): Promise<void> {
    await nextTurn();
    while (this.#inFlight.size > 0) {
      await withinDeadline(Promise.allSettled(this.#inFlight), "a reply");
      await nextTurn();
    }
  }

  /** A wakeup of our own, sent last, arrives last. */
  async #noticesArrived(target: Target): Promise<void> {
    const [held, queued] = [this.#newId(), this.#newId()];
    const request = { targets: [target], maxWaitUs: 1, arrivalUs: 0 } as const;
    const arrived = new Promise<void>((resolve) => this.#arrivals.set(queued, resolve));
    const requests: StoreRequest[] = [
      { ...request, op: "take", mode: "now", id: held },
      { ...request, op: "take", mode: "wait", id: queued },
      { op: "release", targets: [target], id: held },
      { op: "release", targets: [target], id: queued },
    ];
    const replies = requests.map((each) => this.#store.execute(each));
    try {
      await withinDeadline(Promise.all([...replies, arrived]), "a wakeup");
    } finally {
      this.#arrivals.delete(queued);
    }
  }

  #newId(): string {
    return waiterId({
      instance: INSTANCE,
      sequence: ++this.#sequence,
      direct: true,
      maxWaitUs: 1,
      permits: 1,
      cost: 1,
    });
  }

  #track<Result>(promise: Promise<Result>): Promise<Result> {
    const settled = promise.then(() => {}, () => {}).finally(() => this.#inFlight.delete(settled));
    this.#inFlight.add(settled);
    return promise;
  }
}

/**
 * Settles as a promise does.
 *
 * @param promise What is waited for.
 * @param what What it is, for the message.
 * @param ms How long it may take, in real milliseconds.
 * @throws {Error} If it takes longer.
 */
export async function withinDeadline<Result>(
  promise: Promise<Result>,
  what: string,
  ms: number = DEADLINE_MS,
): Promise<Result> {
  const { promise: late, reject } = withResolvers();
  const timer = systemClock.schedule(
    systemClock.nowUs() + ms * 1_000,
    () => reject(new Error(`Cannot wait for ${what} any longer: there was none within ${ms} ms of real time`)),
  );
  try {
    return await Promise.race([promise, late]);
  } finally {
    timer.cancel();
  }
}

function withResolvers(): { promise: Promise<never>; reject: (error: Error) => void } {
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<never>((_, no) => reject = no);
  return { promise, reject };
}
