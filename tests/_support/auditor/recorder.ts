/**
 * Writes down what a store does for one process, so that the histories of several processes can be audited together.
 *
 * @module
 */

import type {
  BlockRequest,
  GiveBackRequest,
  ReplySink,
  ReplyTo,
  Store,
  StoreRequest,
  TakeReply,
  TakeRequest,
  WakeupListener,
} from "../../../src/stores/store.ts";
import { audit, type Expectations } from "./audit.ts";
import { BookKeeper } from "./books.ts";
import type { Entry } from "./history.ts";

/** Whatever a request may hold. */
type Everything = TakeRequest & GiveBackRequest & BlockRequest;

/** A store that is listened to. */
export interface Recorded {
  /** The store, for an instance. */
  readonly store: Store;
  /** What it has answered and sent so far, in that order. */
  readonly entries: readonly Entry[];
}

/** Listens to a store: what it answers, and the wakeups that it sends. Requests that fail are not in the record. */
export function record(inner: Store): Recorded {
  const entries: Entry[] = [];
  const executed = <Request extends StoreRequest>(request: Request, reply: ReplyTo<Request>): ReplyTo<Request> => {
    if (request.op !== "take" || request.mode !== "peek") {
      const told = "status" in reply ? read(reply) : reply;
      entries.push({ kind: "executed", process: 0, request: asked(request), reply: told });
    }
    return reply;
  };
  const own: Pick<Store, "execute" | "listen"> & Required<Pick<Store, "submit">> = {
    async execute(request, signal) {
      return executed(request, await inner.execute(request, signal));
    },
    submit(request, sink) {
      const heard: ReplySink<ReplyTo<typeof request>> = {
        answered: (reply) => sink.answered(executed(request, reply)),
        failed: (error) => sink.failed(error),
      };
      inner.submit?.(request, heard);
    },
    listen: (listener) => inner.listen(heardBy(listener, entries)),
  };
  const store = new Proxy(inner, {
    get(target, name) {
      if (name === "submit" && target.submit === undefined) return undefined;
      if (Object.hasOwn(own, name)) return own[name as keyof typeof own];
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return { store, entries };
}

/** What is wrong with what a store did for several processes; nothing if all is well. */
export function auditTogether(records: readonly (readonly Entry[])[], expected: Expectations = {}): string[] {
  const books = new BookKeeper();
  const entries = records.flat().map((entry) => ({ entry, nowUs: timeOf(entry), rank: rankOf(entry) }));
  for (const { entry } of entries.toSorted((a, b) => a.nowUs - b.nowUs || a.rank - b.rank)) books.enter(entry);
  return audit(books, expected);
}

function heardBy(listener: WakeupListener, entries: Entry[]): WakeupListener {
  return {
    instance: listener.instance,
    get isAwaited() {
      return listener.isAwaited ?? true;
    },
    targetOf: (id) => listener.targetOf(id),
    wakeup(wakeup) {
      entries.push({ kind: "wakeup", wakeup: { ...wakeup, reply: read(wakeup.reply) } });
      listener.wakeup(wakeup);
    },
    missed: () => listener.missed(),
    corrected: (correction) => listener.corrected?.(correction),
  };
}

/** All that an audit needs of a request: that of a call holds all of the call. */
function asked<Request extends StoreRequest>(request: Request): Request {
  const targets = request.targets.map(({ limiter, key, policy, cost, permits }) => ({
    limiter,
    key,
    policy,
    cost,
    permits,
  }));
  const { mode, id, marks, arrivalUs, durationUs, keepLonger } = request as Partial<Everything>;
  return { op: request.op, mode, id, marks, arrivalUs, durationUs, keepLonger, targets } as unknown as Request;
}

/** All that an audit needs of a reply, which may be read only when it is asked for something. */
function read({ status, nowUs, waitUs, arrivalUs, levels, times, repeated }: TakeReply): TakeReply {
  return { status, nowUs, waitUs, arrivalUs, levels, times, repeated };
}

function timeOf(entry: Entry): number {
  return entry.kind === "wakeup" ? entry.wakeup.reply.nowUs : entry.reply.nowUs;
}

/** Of one instant: what frees comes first, and last what was granted with it. */
function rankOf(entry: Entry): number {
  if (entry.kind === "wakeup") return 2;
  return entry.request.op === "take" || entry.request.op === "poll" ? 1 : 0;
}
