/**
 * The state that follows from the messages of a shard. Every process has one and applies every message to it, in order: so all
 * decide the same. No clock is read here but the time stamps, and nothing random.
 *
 * @module
 */

import type { Clock } from "../../base/clock.ts";
import type { Policy } from "../../policy/policy.ts";
import { LevelReply } from "../level_reply.ts";
import { MemoryStore } from "../memory/memory_store.ts";
import { StateTable } from "../memory/state_table.ts";
import {
  type DoneReply,
  IN_LEFT,
  type LevelLeft,
  type StoreRequest,
  type TakeReply,
  type TakeRequest,
  type Target,
  type WakeupListener,
} from "../store.ts";
import { Digest } from "./digest.ts";
import {
  type LogItem,
  type Notice,
  NOW,
  type PlainTakes,
  readItem,
  type ReadMessage,
  readMessage,
  targetOf,
  VERSION,
} from "./message.ts";
import { RulesBook } from "./rules_book.ts";
import type { RulesWatch } from "./rules_watch.ts";
import { Sessions } from "./sessions.ts";
import type { LogMessage } from "./stream.ts";

/** What an item of a message is answered with. */
export type LogReply = TakeReply | DoneReply | Error;

/** What has been decided up to a message. */
export interface Marked {
  /** The sequence of the message. */
  readonly sequence: number;
  /** The digest of all replies since the mark before. */
  readonly digest: string;
}

/** What a replica needs, and whom it tells what it reads. None of the methods may throw. */
export interface ReplicaHost {
  /** The session of this process. */
  readonly session: string;
  /** The listeners of this process, by instance. */
  readonly listeners: ReadonlyMap<string, WakeupListener>;
  /** Sees the rules of all messages. */
  readonly rules: RulesWatch;
  /** A message of this process was applied. */
  replied(number: number, replies: readonly LogReply[]): void;
  /** A process has told something. */
  noticed(notice: Notice, session: string): void;
  /** Others hold this process for dead: its waiting calls have lost their places. */
  lapsed(): void;
  /** A stretch has ended over which digests are compared. */
  marked(mark: Marked): void;
  /** A message is by a newer version: nothing after it can be known. */
  outdated(version: number): void;
}

/** Steps back that are smaller than this, in microseconds, make time stand still: a server takes its readings side by side. */
const STILL_US = 1_000;

/** How often digests are compared, in microseconds. */
const MARK_US = 10_000_000;

/** What a message costs to apply, compared to a request. */
const MESSAGE_WEIGHT = 10;

/** Where the keys of plain takes begin. */
const FIRST_KEY = 4;

/** A take that is changed and asked again: nothing keeps it. */
class OneTake implements TakeRequest {
  readonly op = "take";
  readonly target: { -readonly [Member in keyof Target]: Target[Member] };
  readonly targets: readonly Target[];
  mode: "now" | "wait" = "now";
  maxWaitUs = 0;
  readonly id = "";
  readonly arrivalUs = 0;
  readonly left: LevelLeft = { nowUs: 0, first: 0, second: 0 };

  constructor(policy: Policy) {
    this.target = { limiter: "", policy, key: undefined, cost: 1, permits: 0 };
    this.targets = [this.target];
  }
}

/** The state of one shard. */
export class Replica {
  /** The last message that was applied. */
  sequence: number;
  /** How much has been applied since the last snapshot, in requests. */
  weight = 0;
  /** The processes that take part. */
  readonly sessions: Sessions;
  /** All keys. */
  readonly table: StateTable;
  /** The rules of messages. */
  readonly book: RulesBook;
  /** When the last mark was, and the digest since. */
  markUs = 0;
  digest: Digest = new Digest();
  /** Called with each target before it is touched, while a snapshot is made. */
  touching: ((target: Target) => void) | undefined;
  readonly #host: ReplicaHost;
  readonly #memory: MemoryStore;
  #nowUs = 0;
  #take: OneTake | undefined;

  /**
   * A state without any key.
   *
   * @param host Who hears of it.
   * @param sequence The message before the first one.
   * @param book The rules that were read before, of other replicas of this process.
   */
  constructor(host: ReplicaHost, sequence: number, book: RulesBook = new RulesBook()) {
    this.#host = host;
    this.sequence = sequence;
    this.book = book;
    this.sessions = new Sessions(host.listeners);
    this.table = new StateTable(Infinity);
    const clock: Clock = { nowUs: () => this.#nowUs, schedule: () => ({ cancel: () => {} }) };
    this.#memory = new MemoryStore({ clock }, { table: this.table, listeners: this.sessions.listeners });
  }

  /** The time of the last message. */
  get nowUs(): number {
    return this.#nowUs;
  }

  /** Goes on from where a snapshot was made. */
  restore(nowUs: number, markUs: number, digest: Digest): void {
    this.#nowUs = nowUs;
    this.markUs = markUs;
    this.digest = digest;
  }

  /** Applies the next message. */
  apply({ sequence, stampUs, data }: LogMessage): void {
    this.sequence = sequence;
    const message = readMessage(data);
    if (message === undefined) return;
    const { version, session, number, items } = message;
    if (version > VERSION) return this.#host.outdated(version);
    this.#setTime(stampUs);
    this.sessions.expire(this.#nowUs, session, (name) => {
      if (name === this.#host.session) this.#host.lapsed();
    });
    if (!this.sessions.accept(session, number, this.#nowUs)) return;
    this.#mark(sequence - 1);
    this.#host.rules.seen(message.rules, session, session === this.#host.session, this.#nowUs, this.book);
    const replies: LogReply[] | undefined = session === this.#host.session ? [] : undefined;
    const policies: Policy[] = [];
    const policyOf = (place: number): Policy => {
      return policies[place] ??= this.book.policyOf(message.rules[2 * place + 1] as string);
    };
    this.weight += MESSAGE_WEIGHT;
    for (const item of items) {
      if (item[0] === 0) this.#takePlain(item, message, policyOf(item[1]), replies);
      else {
        const read = readItem(
          item,
          (tuple) => targetOf(tuple, message.rules[2 * tuple[0]] as string, policyOf(tuple[0])),
        );
        const reply = this.#run(read, session);
        replies?.push(reply);
      }
    }
    if (message.rules.length > 0) this.book.tidy(() => this.table.policies());
    if (replies !== undefined) this.#host.replied(number, replies);
  }

  /** Goes on to the time of a message. */
  #setTime(stampUs: number): void {
    if (stampUs >= this.#nowUs) this.#nowUs = stampUs;
    else if (this.#nowUs - stampUs >= STILL_US) {
      // What is forgotten as good as fresh would be known again by an earlier time: so all forget it now.
      this.table.forgetFresh(this.#nowUs);
      this.#nowUs = this.markUs = stampUs;
      this.sessions.steppedBack();
    }
  }

  #takePlain(
    takes: PlainTakes,
    { rules }: ReadMessage,
    policy: Policy,
    replies: LogReply[] | undefined,
  ): void {
    const take = this.#take ??= new OneTake(policy);
    const { target } = take;
    const [, place, cost, wait] = takes;
    target.limiter = rules[2 * place] as string;
    target.policy = policy;
    target.cost = cost;
    take.mode = wait === NOW ? "now" : "wait";
    take.maxWaitUs = wait === NOW ? 0 : wait;
    for (let i = FIRST_KEY; i < takes.length; i++) {
      const key = takes[i] as string | null | number;
      if (typeof key === "number") this.#takeOften(take, key, replies);
      else {
        target.key = key ?? undefined;
        this.#touch(target);
        this.#takeOften(take, 1, replies);
      }
    }
  }

  #takeOften(take: OneTake, times: number, replies: LogReply[] | undefined): void {
    const { digest } = this;
    const { left } = take;
    this.weight += times;
    for (let i = 0; i < times; i++) {
      const reply = this.#memory.execute<TakeRequest>(take) as TakeReply;
      if (reply === IN_LEFT) {
        digest.addLeft(left);
        replies?.push(new LevelReply("allowed", left.nowUs, 0, left.first, left.second));
      } else {
        digest.addReply(reply);
        replies?.push(reply);
      }
    }
  }

  #run(item: LogItem, session: string): LogReply {
    if (!("targets" in item)) return this.#notice(item, session);
    this.weight++;
    try {
      checkId(item);
      for (const target of item.targets) this.#touch(target);
      const reply = this.#memory.execute<StoreRequest>(item) as TakeReply | DoneReply;
      this.digest.addReply(reply);
      return reply;
    } catch (error) {
      return error as Error;
    }
  }

  #touch(target: Target): void {
    this.touching?.(target);
    this.table.tidy(target, this.#nowUs);
  }

  #notice(notice: Notice, session: string): DoneReply {
    if (notice.op === "listen") this.sessions.listen(session, notice.instances, notice.aliveUs);
    else if (notice.op === "leave") this.sessions.leave(session);
    else if (notice.op === "clear") this.table.clear();
    this.#host.noticed(notice, session);
    return { nowUs: this.#nowUs, counts: [this.sequence], levels: [] };
  }

  /** Ends the stretch that digests are compared over, if it was long enough. */
  #mark(sequence: number): void {
    if (this.#nowUs - this.markUs < MARK_US) return;
    this.markUs = this.#nowUs;
    this.#host.marked({ sequence, digest: this.digest.text });
    this.digest = new Digest();
  }
}

/** Permits without an id are known to one process alone. */
function checkId(request: StoreRequest): void {
  if (request.op !== "take" || request.mode === "peek" || request.id !== "") return;
  if (request.targets.every(({ policy }) => policy.maxConcurrent === 0)) return;
  throw new TypeError("Cannot take permits: expected an id, received none");
}
