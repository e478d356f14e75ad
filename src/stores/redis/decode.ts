/**
 * What scripts answer, as replies. The only place where bytes of Redis become values.
 *
 * @module
 */

import { StoreError } from "../../base/errors.ts";
import type { Correction, DoneReply, StoreRequest, TakeReply, Target, Wakeup } from "../store.ts";
import type { ScriptReply } from "./connections/connection.ts";
import { hasRates, readAloneTake } from "./alone_permits.ts";
import type { EncodedCall } from "./encode.ts";
import { withAdvice } from "./refusal.ts";
import { refusedByScript } from "./refused_by_script.ts";
import { detailedReply, readLevels, takeReply } from "./take_reply.ts";
import type { NamedRequest } from "./named_request.ts";
import { readAlone, readShort, sizeOfShort } from "./short_permits.ts";

/** Reads the reply to a call, one entry for each request of its batch. */
export function decodeBatch(
  { batch, script, hasMessages }: EncodedCall,
  reply: ScriptReply,
): (TakeReply | DoneReply | StoreError)[] {
  if (isNumber(reply) && batch.length === 1) return [readAlone((batch[0] as NamedRequest).request, Number(reply))];
  if (!Array.isArray(reply)) throw unreadable();
  const nowUs = Number(reply[0]);
  const plain = script.name !== "coordinate";
  const replies: (TakeReply | DoneReply | StoreError)[] = [];
  let at = 1;
  for (const { request } of batch) {
    const entry = reply[at] as ScriptReply;
    if (isNumber(entry) && hasRates(request)) return [readAloneTake(request, reply.map(Number))];
    if (isNumber(entry)) {
      replies.push(readShort(request, reply, at, nowUs));
      at += sizeOfShort(request);
      continue;
    }
    replies.push(
      Array.isArray(entry) ? decodeEntry(request, nowUs, entry.map(Number), plain) : refusedByScript(String(entry)),
    );
    at++;
  }
  if (reply.length !== at + (hasMessages ? 1 : 0)) throw unreadable();
  return replies;
}

/** Whether an answer is a number: there are clients that give them as text. No failure is made of digits alone. */
function isNumber(entry: ScriptReply): boolean {
  return typeof entry === "number" || (typeof entry === "string" && /^-?\d+$/.test(entry));
}

/** The messages that came with the replies to a call. */
export function messagesOf({ hasMessages }: EncodedCall, reply: ScriptReply): readonly string[] {
  const messages = hasMessages && Array.isArray(reply) ? reply.at(-1) as ScriptReply : [];
  return Array.isArray(messages) ? messages.map(String) : [];
}

/** The error of a reply that is not one entry for each request. */
export function unreadable(): StoreError {
  const message = withAdvice("Cannot read the script's reply: it is not one entry a request", "invalid_answer");
  return new StoreError("STORE_REFUSED", message, { reason: "invalid_answer" });
}

function decodeEntry(
  request: StoreRequest,
  nowUs: number,
  numbers: readonly number[],
  plain: boolean,
): TakeReply | DoneReply {
  switch (request.op) {
    case "take":
    case "poll":
      if (request.op === "take" && request.mode === "peek" && request.details !== undefined) {
        return detailedReply(nowUs, numbers, request.targets, request.details);
      }
      return takeReply(nowUs, numbers, request.targets, plain, request.op === "take" ? request.times : undefined);
    case "release":
    case "renew":
      return { nowUs, counts: numbers, levels: [] };
    default: {
      const corrected = request.targets.map((target) => ({ ...target, permits: 0 }));
      const last = numbers.length - (request.op === "penalize" ? corrected.length : 0);
      return { nowUs, counts: numbers.slice(last), levels: readLevels(numbers.slice(0, last), 0, corrected, false) };
    }
  }
}

/** Reads a message of a queue: `kind now number... id`. Undefined if no call waits for it. */
export function decodeWakeup(
  message: string,
  targetOf: (id: string) => Target | undefined,
): Wakeup | undefined {
  const words = message.split(" ");
  const id = words.at(-1) as string;
  const target = targetOf(id);
  if (target === undefined) return undefined;
  const nowUs = Number(words[1]);
  const numbers = words.slice(2, -1).map(Number);
  if (words[0] === "granted") {
    return { id, kind: "granted", reply: takeReply(nowUs, numbers, [target], false) };
  }
  const waitUs = numbers[0] as number;
  return { id, kind: "turn", reply: { status: "queued", nowUs, waitUs, arrivalUs: 0, levels: [] } };
}

/**
 * Reads a message of a correction: `op now stays from name`, where `stays` is -1 if all calls must ask again. Undefined
 * if `instance` has made it.
 */
export function decodeCorrection(message: string, instance: string): Correction | undefined {
  const [op, now, stays, from, ...name] = message.split(" ");
  if (from === instance || (op !== "reset" && op !== "block")) return undefined;
  const durationUs = Number(stays) < 0 ? Infinity : Number(stays);
  return { name: name.join(" "), op, nowUs: Number(now), durationUs };
}
