/**
 * One item, or a batch of them: `{ "requests": [...] }` is answered by `{ "answers": [...] }` in the same order.
 *
 * @module
 */

import { readFields, refuse } from "./fields.ts";
import { Problem, problemOf } from "./problem.ts";

/** Answers one item; `at` is where it is in the body. */
export type ItemHandler<Context> = (value: unknown, at: string, context: Context) => Promise<unknown>;

/**
 * Answers a body. The items of a batch are under way together, so that the store gets them in one call where it can, and
 * one that fails does not fail the others: its answer is `{ "problem": ... }`.
 *
 * @throws {Problem} If the body is no item and no batch.
 */
export async function answerBody<Context extends { readonly maxBatch: number }>(
  body: unknown,
  handle: ItemHandler<Context>,
  context: Context,
  failed: (error: unknown) => Problem,
): Promise<unknown> {
  if (typeof body !== "object" || body === null || !("requests" in body)) return await handle(body, "", context);
  const { requests, ...rest } = body;
  readFields(rest, {}, "");
  if (!Array.isArray(requests)) refuse("requests", "a list", requests);
  if (requests.length > context.maxBatch) {
    const detail = `Cannot answer ${requests.length} requests at once: the most is ${context.maxBatch}`;
    throw new Problem("BATCH_TOO_LARGE", detail, { most: context.maxBatch });
  }
  const answers = requests.map(async (each, i) => {
    try {
      return await handle(each, `requests[${i}]`, context);
    } catch (error) {
      return { problem: problemOf(error) ?? failed(error) };
    }
  });
  return { answers: await Promise.all(answers) };
}
