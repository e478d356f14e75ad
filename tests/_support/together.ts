/**
 * Several jobs at the same time, for tests that mostly wait: for calls on their way, or for time to pass.
 *
 * @module
 */

/** How many go on at the same time. */
const AT_ONCE = 4;

/** How many jobs may begin before their result is asked for. */
const AHEAD = 16;

/**
 * Makes jobs begin before they are asked for, in their order, a few at the same time.
 *
 * @param jobs What is to be done. They must not disturb each other.
 * @returns Gives the result of a job by its number.
 */
export function ahead<Result>(jobs: readonly (() => Promise<Result>)[]): (number: number) => Promise<Result> {
  const results = new Map<number, Promise<Result>>();
  const waiting: (() => void)[] = [];
  let free = AT_ONCE;

  async function begin(job: () => Promise<Result>): Promise<Result> {
    if (free === 0) await new Promise<void>((resolve) => waiting.push(resolve));
    else free--;
    try {
      return await job();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free++;
      else next();
    }
  }

  return (number) => {
    for (const [i, job] of jobs.slice(number, number + AHEAD).entries()) {
      if (results.has(number + i)) continue;
      const result = begin(job);
      result.catch(() => {}); // the test that awaits it sees it
      results.set(number + i, result);
    }
    return results.get(number) as Promise<Result>;
  };
}
