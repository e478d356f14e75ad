/**
 * An explanation in one or two sentences. They do not name the key.
 *
 * @module
 */

import { durationWords } from "../../base/duration_words.ts";
import { show } from "../../base/text.ts";
import type { ExplainedLimiter, ExplanationData } from "./types.ts";

/** The whole of an explanation, but for what a store failed with. */
export function summaryOf(data: Omit<ExplanationData, "summary" | "changes">): string {
  return data.allowed ? allowedBy(data) : denial(data);
}

function allowedBy({ limiters, source, outage }: Pick<ExplanationData, "limiters" | "source" | "outage">): string {
  const names = limiters.map(({ limiter }) => show(limiter)).join(" and ");
  const by = `Allowed by ${limiters.length === 1 ? "limiter" : "limiters"} ${names}`;
  if (source === "failure_policy") {
    return `${by}, because store ${show(outage?.store)} cannot decide and onStoreError is "allow".`;
  }
  const left = limiters.flatMap(({ limits }) => limits).reduce<number | undefined>(
    (least, { remaining }) => remaining === undefined ? least : Math.min(least ?? Infinity, remaining),
    undefined,
  );
  return left === undefined ? `${by}.` : `${by}: ${left} left.`;
}

function denial(data: Omit<ExplanationData, "summary" | "changes">): string {
  const { deniedBy, limiters, retryAfterMs, outage } = data;
  const limiter = limiters.find((each) => each.limiter === deniedBy?.limiter && each.denies) ?? limiters[0];
  const name = `limiter ${show(deniedBy?.limiter)}`;
  const after = retryAfterMs > 0 ? ` Allowed in ${durationWords(retryAfterMs)} if no other call comes first.` : "";
  switch (deniedBy?.rule) {
    case "store":
      return `Denied by ${name}, because store ${show(outage?.store)} cannot decide${instead(outage)}.`;
    case "pause":
      return `Denied by ${name}: a server has asked for a pause of ${durationWords(retryAfterMs)}.`;
    case "block":
      return `Denied by ${name}: its key is blocked.${after}`;
    default:
      return `Denied by ${name}, ${limitWords(limiter, deniedBy?.limit, deniedBy?.rule, data)}${after}`;
  }
}

function instead(outage: ExplanationData["outage"]): string {
  return outage?.policy === "local"
    ? ` and the call costs more than the share of the limit that this process applies alone (localShare ${outage.localShare})`
    : ` and onStoreError is "deny"`;
}

function limitWords(
  limiter: ExplainedLimiter | undefined,
  index: number | undefined,
  rule: string | undefined,
  { reason }: Pick<ExplanationData, "reason">,
): string {
  const limit = index === undefined ? undefined : limiter?.limits[index];
  if (limiter === undefined || limit === undefined) return `rule ${rule}.`;
  const count = limiter.limits.length;
  const which = count === 1 ? "limit" : `limit ${(index ?? 0) + 1} of ${count}`;
  const full = reason === "queue_full" ? ", and as many calls wait as may" : "";
  const need = limit.algorithm === "concurrency" ? "" : `; the call costs ${limiter.cost}`;
  return `${which} (${limit.rule}): ${limit.standing}${need}${full}.`;
}
