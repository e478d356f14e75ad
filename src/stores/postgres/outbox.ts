/**
 * What a transaction has to tell: to calls of this process once it is committed, to those of others together with it.
 *
 * @module
 */

import type { WakeupListener } from "../store.ts";
import { type Message, textsOf } from "./messages.ts";

/** The listeners of this process, by what an outbox needs of them. */
export interface OwnListeners {
  /** The channel of this process. */
  readonly channel: string;
  /** All of them. */
  readonly all: readonly WakeupListener[];
}

/** Where an instance of another process hears. */
interface Session {
  /** The channel, with `!` in front where the process listens to it. */
  readonly channel: string;
  readonly instance: string;
}

/** The messages of one transaction. */
export class Outbox {
  readonly #own: OwnListeners;
  readonly #here: (() => void)[] = [];
  readonly #there = new Map<string, Message[]>();

  /**
   * Holds nothing yet.
   *
   * @param own The listeners of this process.
   */
  constructor(own: OwnListeners) {
    this.#own = own;
  }

  /**
   * Who hears, by instance: the listeners of this process, and those of the others.
   *
   * @param heard The lines of `lock_1` on the sessions of others; empty where they do not matter.
   */
  listeners(heard: string): Map<string, WakeupListener> {
    const own = `!${this.#own.channel}`;
    const sessions = heard === "" ? [] : heard.split("\n").map(readSession);
    const listeners = new Map<string, WakeupListener>();
    for (const { instance } of [...this.#own.all, ...sessions]) {
      if (listeners.has(instance)) continue;
      const here = this.#own.all.filter((listener) => listener.instance === instance);
      const there = sessions.filter((session) => session.instance === instance)
        .map(({ channel }) => channel).filter((channel) => channel !== own && channel !== this.#own.channel);
      listeners.set(instance, {
        instance,
        targetOf: () => undefined,
        missed: () => {},
        wakeup: (wakeup) => {
          for (const listener of here) this.#here.push(() => listener.wakeup(wakeup));
          for (const channel of there) this.#send(channel, { to: instance, wakeup });
        },
        corrected: (correction) => {
          for (const listener of here) this.#here.push(() => listener.corrected?.(correction));
          for (const channel of there) this.#send(channel, { to: instance, correction });
        },
      });
    }
    return listeners;
  }

  /** The messages to other processes, with the channel of each. */
  messages(): { readonly channel: string; readonly text: string }[] {
    return [...this.#there].flatMap(([channel, messages]) => textsOf(messages).map((text) => ({ channel, text })));
  }

  /** Hands the messages to this process over. */
  deliver(): void {
    for (const send of this.#here) send();
  }

  #send(channel: string, message: Message): void {
    const messages = this.#there.get(channel);
    if (messages === undefined) this.#there.set(channel, [message]);
    else messages.push(message);
  }
}

function readSession(line: string): Session {
  const [channel = "", listens, ...instance] = line.split(" ");
  return { channel: listens === "1" ? `!${channel}` : channel, instance: instance.join(" ") };
}
