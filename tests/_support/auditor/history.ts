/**
 * Everything that a store did, in its order: what an audit goes by.
 *
 * @module
 */

import type { DoneReply, StoreRequest, TakeReply, Wakeup } from "../../../src/stores/store.ts";

/** Something that a store did. */
export type Entry =
  | {
    readonly kind: "executed";
    readonly process: number;
    readonly request: StoreRequest;
    readonly reply: TakeReply | DoneReply;
  }
  | { readonly kind: "wakeup"; readonly wakeup: Wakeup };

/** What a store did, and who its processes are. */
export class History {
  /** What it did, oldest first. */
  readonly entries: Entry[] = [];
  /** Called for each entry. */
  onEntry: ((entry: Entry) => void) | undefined;
  readonly #processes = new Map<string, number>();

  /** A process has connected. */
  joined(process: number, instance: string): void {
    this.#processes.set(instance, process);
  }

  /** How the store knows a process. */
  instancesOf(process: number): string[] {
    return [...this.#processes].filter(([, number]) => number === process).map(([instance]) => instance);
  }

  /** The store has run a request. */
  executed(process: number, request: StoreRequest, reply: TakeReply | DoneReply): void {
    this.#add({ kind: "executed", process, request, reply });
  }

  /** The store has sent a wakeup. */
  wokenUp(wakeup: Wakeup): void {
    this.#add({ kind: "wakeup", wakeup });
  }

  /** The process that an id belongs to, and the number of the id there; text that is the same for the same seed. */
  nameOf(id: string): string {
    const [instance = "", sequence = ""] = id.split(".");
    return `${this.#processes.get(instance) ?? "-"}.${sequence}`;
  }

  /** Each entry as a line that is the same for the same seed. */
  *lines(): Iterable<string> {
    for (const entry of this.entries) {
      if (entry.kind === "wakeup") {
        const { id, kind, reply } = entry.wakeup;
        yield `${reply.nowUs} wakeup ${kind} to ${this.nameOf(id)}, wait ${reply.waitUs}`;
        continue;
      }
      const { process, request, reply } = entry;
      const targets = request.targets.map(({ limiter, key, cost, permits }) =>
        `${limiter}:${key ?? ""} ${cost}/${permits}`
      );
      const id = "id" in request ? ` of ${this.nameOf(request.id)}` : "";
      const mode = request.op === "take" ? ` ${request.mode}` : "";
      const told = "status" in reply ? `${reply.status}, wait ${reply.waitUs}` : `counts ${reply.counts.join()}`;
      yield `${reply.nowUs} process ${process}: ${request.op}${mode} ${targets.join(" + ")}${id} -> ${told}`;
    }
  }

  #add(entry: Entry): void {
    this.entries.push(entry);
    this.onEntry?.(entry);
  }
}
