/**
 * A process that tries as fast as it can, ten calls at a time, and reports what became of them.
 *
 * @module
 */

import { type JobResult, type Member, serveJobs } from "./_member.ts";

interface Work {
  /** How often to try. */
  readonly tries: number;
  /** The limiters that must all agree. */
  readonly ids: readonly string[];
  /** Whether to stop at the first denial for want of rate. */
  readonly untilSpent?: boolean;
}

const LANES = 10;

await serveJobs<Work>(attempt);

async function attempt({ work, rs, errors, start, enter, leave }: Member<Work>): Promise<JobResult> {
  const denied: Record<string, number> = {};
  let allowed = 0;
  let mostInside = 0;
  let left = work.tries;
  await start();
  await Promise.all(Array.from({ length: LANES }, lane));
  return { allowed, denied, mostInside };

  async function lane(): Promise<void> {
    try {
      while (left-- > 0) {
        const decision = work.ids.length === 1
          ? await rs.tryAcquire(work.ids[0] as string)
          : await rs.tryAcquireAll(work.ids.map((limiter) => ({ limiter })));
        if (decision.allowed) {
          allowed++;
          mostInside = Math.max(mostInside, await enter());
          await leave();
          await decision.permit?.release();
        } else {
          const { reason = "none" } = decision;
          denied[reason] = (denied[reason] ?? 0) + 1;
          if (work.untilSpent && reason === "rate") return;
        }
      }
    } catch (error) {
      errors.push(String(error));
    }
  }
}
