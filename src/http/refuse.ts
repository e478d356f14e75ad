/**
 * From a denial to the answer that is sent.
 *
 * @module
 */

import { show } from "../base/text.ts";
import { seconds } from "../policy/headers.ts";
import { type Admission, GuardAdmission } from "./admission.ts";
import { bodyOf, type BodyStyle, type Refusal } from "./denial.ts";
import { type HeaderPair, headerValue, isHeaderName } from "./header_pair.ts";
import type { DenialAnswer, Denied, GuardOptions } from "./options.ts";
import type { GuardedRequest } from "./request.ts";
import type { ErrorReporter } from "./error_reporter.ts";

/** What the answer to a denied request depends on. */
export interface RefusalContext<Raw> {
  /** The request. */
  readonly request: GuardedRequest<Raw>;
  /** The `RateLimit` headers. */
  readonly headers: readonly HeaderPair[];
  /** The style of the body. */
  readonly body: BodyStyle;
  /** Whether the body explains the denial. */
  readonly explains: boolean;
  /** The present, in milliseconds since the Unix epoch. */
  readonly nowMs: number;
  /** The application's own answer. */
  readonly onDenied: GuardOptions<Raw>["onDenied"];
  /** Where errors are reported. */
  readonly errors: ErrorReporter;
}

/** The answer to a denied request. Without a promise where there is no `onDenied`. Never rejects. */
export function refuse<Raw>(refusal: Refusal, context: RefusalContext<Raw>): Admission | Promise<Admission> {
  const { reason, status, retryAfterMs, decision } = refusal;
  const { contentType, text } = bodyOf(refusal, context.body, context.nowMs, context.explains);
  const headers: HeaderPair[] = [...context.headers, ["Content-Type", contentType]];
  const retryAfterSeconds = retryAfterMs === undefined ? undefined : seconds(retryAfterMs);
  if (retryAfterSeconds !== undefined) headers.push(["Retry-After", `${retryAfterSeconds}`]);
  const denied = { reason, status, headers, body: text, retryAfterSeconds, decision };
  return context.onDenied === undefined
    ? admissionOf(refusal, denied)
    : answerBy(context.onDenied, refusal, denied, context);
}

function admissionOf(
  refusal: Refusal,
  { status, headers, body }: Pick<Denied, "status" | "headers" | "body">,
): Admission {
  const facts = { refusal, decision: refusal.decision, permit: undefined };
  return new GuardAdmission(facts, headers, undefined, { status, body });
}

async function answerBy<Raw>(
  onDenied: NonNullable<GuardOptions<Raw>["onDenied"]>,
  refusal: Refusal,
  denied: Denied,
  { request, errors }: RefusalContext<Raw>,
): Promise<Admission> {
  try {
    const own = await onDenied(denied, request);
    return admissionOf(refusal, own ? { ...denied, ...ownAnswer(denied.headers, own) } : denied);
  } catch (error) {
    errors.report("onDenied", "onDenied() failed, the usual answer is sent", error);
    return admissionOf(refusal, denied);
  }
}

/** Headers that an application's own take the place of. */
const REPLACED: readonly string[] = ["Content-Type", "Retry-After"];

/** What an application answers, as far as it can be sent. */
function ownAnswer(
  usual: readonly HeaderPair[],
  { status, headers = {}, body }: DenialAnswer,
): Partial<Pick<Admission, "status" | "headers" | "body">> {
  if (status !== undefined && !(Number.isInteger(status) && status >= 200 && status <= 599)) {
    throw new RangeError(`Cannot answer with status ${show(status)}: expected one from 200 to 599`);
  }
  const added = new Map<string, string>();
  if (body !== undefined) {
    added.set("Content-Type", typeof body === "string" ? "text/plain; charset=utf-8" : "application/json");
  }
  for (const [name, value] of Object.entries(headers)) {
    if (!isHeaderName(name)) throw new TypeError(`Cannot send header ${show(name)}: that is no name of a header`);
    const known = REPLACED.find((other) => other.toLowerCase() === name.toLowerCase());
    added.set(known ?? name, headerValue(value));
  }
  return {
    ...(status === undefined ? {} : { status }),
    headers: [...usual.filter(([name]) => !added.has(name)), ...added],
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  };
}
