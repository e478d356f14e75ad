/**
 * Compares what processes have computed: each says its digest of the same stretch of messages, and those who differ from most
 * do not trust themselves any more.
 *
 * @module
 */

import type { Notice } from "./message.ts";
import type { Marked } from "./replica.ts";

/** What an agreement needs. */
export interface AgreementOptions {
  /** The session of this process. */
  readonly session: string;
  /** Processes have computed different things. The flag says whether most others agree on something else than this one. */
  differs(isOutvoted: boolean): void;
}

type Vote = Notice & { readonly op: "digest" };

/** What processes say of the last mark. */
export class Agreement {
  readonly #options: AgreementOptions;
  /** The last mark, and whether this process has said what it has computed. */
  #mark: Marked | undefined;
  #isSaid = true;
  /** What others have said of it, in the order of the stream. */
  readonly #votes = new Map<string, string>();
  /** The sequence of the last mark at which processes differed. */
  #reported = 0;

  /**
   * @param options Who takes part.
   */
  constructor(options: AgreementOptions) {
    this.#options = options;
  }

  /** What this process has to say, once for each mark. */
  take(): Vote | undefined {
    if (this.#isSaid || this.#mark === undefined) return undefined;
    this.#isSaid = true;
    return { op: "digest", mark: this.#mark.sequence, digest: this.#mark.digest };
  }

  /** A stretch has ended: what was said of the one before is judged now, because by now all have said it. */
  marked(mark: Marked): void {
    this.#judge();
    this.#votes.clear();
    this.#mark = mark;
    this.#isSaid = false;
  }

  /** A process has said what it has computed. */
  heard(session: string, { mark, digest }: Vote): void {
    if (mark !== this.#mark?.sequence) return;
    this.#votes.set(session, digest);
    if (digest === this.#mark.digest || this.#reported === mark) return;
    this.#reported = mark;
    this.#options.differs(false);
  }

  /** Forgets all, when the state is another one. */
  reset(): void {
    this.#mark = undefined;
    this.#isSaid = true;
    this.#votes.clear();
  }

  /** The digest with the most votes wins; of several with as many, the one that was said first. */
  #judge(): void {
    if (this.#mark === undefined || this.#reported !== this.#mark.sequence) return;
    const counts = new Map<string, number>();
    for (const digest of this.#votes.values()) counts.set(digest, (counts.get(digest) ?? 0) + 1);
    const [winner] = [...counts].reduce((best, each) => each[1] > best[1] ? each : best, ["", 0] as [string, number]);
    if (winner !== "" && winner !== this.#mark.digest) this.#options.differs(true);
  }
}
