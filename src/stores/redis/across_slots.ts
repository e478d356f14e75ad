/**
 * Requests whose targets lie in several slots of a cluster, which no script can decide as one. They are looked at first
 * and taken then; what was taken where another part was denied is given back.
 *
 * @module
 */

import {
  type DoneReply,
  marksOf,
  type ReplyTo,
  type StoreRequest,
  type TakeReply,
  type TakeRequest,
  type Target,
  type TargetLevel,
} from "../store.ts";

/** Runs a request whose targets lie in one slot. */
export type AskSlot = <Request extends StoreRequest>(
  request: Request,
  signal?: AbortSignal,
) => Promise<ReplyTo<Request>>;

/** The targets of one slot, by their place in the request. */
export type Places = readonly number[];

/**
 * Runs a request in parts, one for each slot.
 *
 * A take is all or nothing: nothing is written where a look says no. Between look and take another may come first; then
 * the parts that were taken are given back. Until they are, others may be denied units that are not used; never is more
 * admitted than the limits say. Where giving back fails as well, units are refilled and permits end with their lease. Who
 * waits for a permit queues where it is missing, and hears there when to ask again; who waits for rates has no place in a
 * line: the reply `queued` says when to ask again.
 *
 * @param request The request.
 * @param parts Which of its targets lie together.
 * @param ask Runs a part.
 * @param signal Gives up before anything was taken.
 */
export async function askAcrossSlots(
  request: StoreRequest,
  parts: readonly Places[],
  ask: AskSlot,
  signal?: AbortSignal,
): Promise<TakeReply | DoneReply> {
  if (request.op === "take") return await takeAcross(request, parts, ask, signal);
  const replies = await settled(parts.map((places) => ask(partOf(request, places), signal)));
  const nowUs = Math.max(...replies.map((reply) => reply.nowUs));
  const done = replies as DoneReply[];
  if (request.op === "release") {
    return { nowUs, counts: [done.reduce((sum, { counts }) => sum + (counts[0] ?? 0), 0)], levels: [] };
  }
  return request.op === "renew"
    ? { nowUs, counts: inOrder(parts, done.map(({ counts }) => counts)), levels: [] }
    : { nowUs, counts: [], levels: inOrder(parts, done.map(({ levels }) => levels)) };
}

async function takeAcross(
  request: TakeRequest,
  parts: readonly Places[],
  ask: AskSlot,
  signal: AbortSignal | undefined,
): Promise<TakeReply> {
  const askAll = (mode: "peek" | "now") =>
    parts.map((places) => ask({ ...partOf(request, places), mode, maxWaitUs: 0 }, signal));
  const looks = await settled(askAll("peek"));
  if (request.mode === "peek") return combine(parts, looks);
  if (!looks.every(isAllowed)) return await deny(request, parts, looks, ask);
  signal?.throwIfAborted();
  const outcomes = await Promise.allSettled(askAll("now"));
  const replies = outcomes.map((outcome) => outcome.status === "fulfilled" ? outcome.value : undefined);
  if (replies.every((reply) => reply !== undefined && isAllowed(reply))) return combine(parts, replies as TakeReply[]);
  const given = parts.map((places, i) => giveBack(partOf(request, places), replies[i], ask));
  const failed = outcomes.find((outcome) => outcome.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  await Promise.all(given);
  // What was given back stands again where it stood.
  const after = replies.map((reply, i) => isAllowed(reply as TakeReply) ? looks[i] : reply) as TakeReply[];
  return await deny(request, parts, after, ask);
}

/** Answers a denial; who may wait queues where permits are missing, and nowhere else. */
async function deny(
  request: TakeRequest,
  parts: readonly Places[],
  replies: readonly TakeReply[],
  ask: AskSlot,
): Promise<TakeReply> {
  const denial = combine(parts, replies);
  const rateUs = Math.max(0, ...replies.map(({ status, waitUs }) => isRate(status) ? waitUs : 0));
  if (request.mode !== "wait" || rateUs > request.maxWaitUs) return denial;
  // A call that lacks a rate holds up no other; else the scarcest permit comes first, as in `_take_permits.lua`.
  const missing = rateUs > 0 ? [] : [...parts.keys()].filter((i) => replies[i]?.status === "permits");
  const full = missing.reduce((first, i) => first < 0 || isBefore(request, parts[i], parts[first]) ? i : first, -1);
  const elsewhere = request.arrivalUs === 0 ? [] : parts.flatMap((places, i) => {
    const isKept = full >= 0 && isBefore(request, places, parts[full]);
    return i === full || isKept ? [] : holdersOf(request, places);
  });
  const left = elsewhere.length === 0 ? [] : [ask({ op: "release", id: request.id, targets: elsewhere })];
  const arrivalUs = request.arrivalUs || denial.nowUs;
  if (full < 0) {
    await settled(left);
    return { ...denial, status: "queued", waitUs: rateUs, arrivalUs };
  }
  const part = partOf(request, parts[full] as Places);
  const [reply] = await Promise.all([ask(part), settled(left)]);
  if (isAllowed(reply)) await giveBack(part, reply, ask); // a permit fell free meanwhile: all of it is asked again
  else if (reply.status !== "queued") return { ...denial, waitUs: Math.max(denial.waitUs, reply.waitUs) };
  const waitUs = isAllowed(reply) ? 0 : Math.max(rateUs, reply.waitUs);
  return { ...denial, status: "queued", waitUs, arrivalUs: reply.arrivalUs || arrivalUs };
}

/** Gives back what a part has taken. Of one without an answer, only its permits can be: units need a mark. Never rejects. */
async function giveBack(part: TakeRequest, reply: TakeReply | undefined, ask: AskSlot): Promise<void> {
  if (reply !== undefined && !isAllowed(reply)) return;
  const holders = part.targets.filter((target) => target.permits > 0);
  const asked: Promise<unknown>[] = [];
  if (holders.length > 0) asked.push(ask({ op: "release", id: part.id, targets: holders }));
  if (reply !== undefined) {
    asked.push(ask({ op: "giveBack", targets: part.targets, marks: marksOf(part.targets, reply) }));
  }
  await Promise.allSettled(asked);
}

/** One reply of the replies to all parts. */
function combine(parts: readonly Places[], replies: readonly TakeReply[]): TakeReply {
  const is = (status: TakeReply["status"]) => replies.some((reply) => reply.status === status);
  const status = is("permits") ? "permits" : is("blocked") ? "blocked" : is("rate") ? "rate" : "allowed";
  return {
    status,
    nowUs: Math.max(...replies.map((reply) => reply.nowUs)),
    waitUs: Math.max(0, ...replies.map((reply) => isAllowed(reply) ? 0 : reply.waitUs)),
    arrivalUs: 0,
    levels: inOrder(parts, replies.map(levelsOf)),
    ...(replies.every(({ details }) => details !== undefined)
      ? { details: inOrder(parts, replies.map(({ details = [] }) => details)) }
      : {}),
  };
}

/** The levels of a part. A target that is alone in one, and blocked, is blocked as long as it is denied. */
function levelsOf({ status, waitUs, levels }: TakeReply): readonly TargetLevel[] {
  return status === "blocked" && levels.length === 1
    ? levels.map(({ rates, permits }) => ({ rates, permits, blockedUs: waitUs }))
    : levels;
}

/** Whether the permits of a part come before those of another one: the scarcest, else by their names. */
function isBefore(request: TakeRequest, one: Places = [], other: Places = []): boolean {
  const [first, second] = [scarcest(request, one), scarcest(request, other)];
  if (first === undefined || second === undefined) return first !== undefined;
  return isScarcer(first, second);
}

function scarcest(request: TakeRequest, places: Places): Target | undefined {
  return holdersOf(request, places).reduce<Target | undefined>(
    (least, target) => least === undefined || isScarcer(target, least) ? target : least,
    undefined,
  );
}

function isScarcer(one: Target, other: Target): boolean {
  const [few, many] = [one.policy.maxConcurrent, other.policy.maxConcurrent];
  if (few !== many) return few < many;
  return one.limiter < other.limiter || (one.limiter === other.limiter && (one.key ?? "") < (other.key ?? ""));
}

function isRate(status: TakeReply["status"]): boolean {
  return status === "rate" || status === "blocked";
}

function holdersOf(request: TakeRequest, places: Places): Target[] {
  return partOf(request, places).targets.filter((target) => target.permits > 0);
}

function isAllowed(reply: TakeReply): boolean {
  return reply.status === "allowed";
}

function partOf<Request extends StoreRequest>(request: Request, places: Places): Request {
  const part = { ...request, targets: places.map((place) => request.targets[place] as Target) };
  if (request.op === "giveBack") return { ...part, marks: places.map((place) => request.marks[place] ?? []) };
  const details = request.op === "take" ? request.details : undefined;
  return details === undefined ? part : { ...part, details: places.map((place) => details[place] ?? []) };
}

/** What was answered for each target, in the order of the request. */
function inOrder<Item>(parts: readonly Places[], answers: readonly (readonly Item[])[]): Item[] {
  const all: Item[] = [];
  parts.forEach((places, part) => places.forEach((place, i) => all[place] = answers[part]?.[i] as Item));
  return all;
}

/** Waits for all of them, also where one fails: nothing of the request is under way any more when it rejects. */
async function settled<Reply>(asked: readonly Promise<Reply>[]): Promise<Reply[]> {
  await Promise.allSettled(asked);
  return await Promise.all(asked);
}
