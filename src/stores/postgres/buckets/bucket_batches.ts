/**
 * Decides about batches of requests from single token buckets: in SQL, and by the kernels where rows hold more than that.
 *
 * @module
 */

import type { PostgresConnection } from "../connections/connection.ts";
import type { KernelCalls } from "../kernel_calls.ts";
import type { NamedRequest, Reply } from "../named_request.ts";
import type { RuleBook } from "../rules.ts";
import type { TakeRequest, Target } from "../../store.ts";
import { BucketCalls } from "./calls.ts";
import type { BucketSettings } from "./statements.ts";

/** Runs batches of requests for which `isBucketTake` holds. */
export class BucketBatches {
  readonly #calls: BucketCalls;
  readonly #rules: RuleBook;
  readonly #kernels: Pick<KernelCalls, "send">;

  /**
   * @param connection The way to the database.
   * @param settings How to decide.
   * @param rules The numbers of rules.
   * @param kernels Decides where SQL cannot.
   */
  constructor(
    connection: PostgresConnection,
    settings: BucketSettings,
    rules: RuleBook,
    kernels: Pick<KernelCalls, "send">,
  ) {
    this.#calls = new BucketCalls(connection, settings);
    this.#rules = rules;
    this.#kernels = kernels;
  }

  /** Runs a batch: its requests on one key one after the other. */
  async send(batch: readonly NamedRequest[]): Promise<readonly (Reply | Error)[]> {
    const rules = this.#rules;
    const known = rules.ready(batch.map(({ request }) => request.targets[0] as Target));
    if (known !== undefined) await known;
    const replies = await this.#calls.send(batch.map(({ request, keys: [key = ""] }) => {
      return { request: request as TakeRequest, key, rules: rules.idOf(request.targets[0] as Target) };
    }));
    const left = [...replies.keys()].filter((place) => replies[place] === undefined);
    if (left.length > 0) {
      // What the others have taken stands, whatever happens to these.
      const rest = await this.#kernels.send(left.map((place) => batch[place] as NamedRequest))
        .catch((error: Error) => left.map(() => error));
      left.forEach((place, i) => replies[place] = rest[i] as typeof replies[number]);
    }
    return replies as (Reply | Error)[];
  }
}
