/**
 * Messages between processes, as text.
 *
 * @module
 */

import type { Correction, TakeReply, Wakeup, WakeupListener } from "../store.ts";

/** What a message says to one instance: a wakeup, or a correction. */
export interface Message {
  /** The instance it is for. */
  readonly to: string;
  readonly wakeup?: Wakeup | undefined;
  readonly correction?: Correction | undefined;
}

/** The longest text of one message of NOTIFY, in bytes. */
const MAX_BYTES = 7_900;

/** Messages as texts, as few as NOTIFY lets through. */
export function textsOf(messages: readonly Message[]): string[] {
  const texts: string[] = [];
  let text = "";
  for (const message of messages) {
    const one = JSON.stringify(message, (_, value) => value === Infinity ? "Infinity" : value)
      .replace(/[^ -~]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
    if (text !== "" && text.length + one.length + 3 > MAX_BYTES) {
      texts.push(`[${text}]`);
      text = "";
    }
    text += text === "" ? one : `,${one}`;
  }
  if (text !== "") texts.push(`[${text}]`);
  return texts;
}

/** Hands the messages of a text to those that they are for. What is no text of messages is left alone. */
export function receive(text: string, listeners: readonly WakeupListener[]): void {
  for (const { to, wakeup, correction } of read(text)) {
    for (const listener of listeners) {
      if (listener.instance !== to) continue;
      if (wakeup !== undefined) listener.wakeup({ ...wakeup, reply: withTraces(wakeup.reply) });
      if (correction !== undefined) listener.corrected?.(correction);
    }
  }
}

function read(text: string): readonly Message[] {
  try {
    const messages: unknown = JSON.parse(text, (_, value) => value === "Infinity" ? Infinity : value);
    return Array.isArray(messages) ? messages : [];
  } catch {
    return []; // another program uses the channel
  }
}

/** JSON has no `undefined` in lists. */
function withTraces(reply: TakeReply): TakeReply {
  const levels = reply.levels.map((level) => {
    return level.traces === undefined ? level : { ...level, traces: level.traces.map((trace) => trace ?? undefined) };
  });
  return { ...reply, levels };
}
