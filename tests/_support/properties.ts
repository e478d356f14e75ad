/**
 * Properties whose runs mostly wait for a server. One by one, each request is a packet of its own, and most of the
 * processor time goes into sending, waking up and reading; beside each other, runs share their packets.
 *
 * @module
 */

import fc from "fast-check";

/** How many runs go on at the same time. With many more, a busy machine makes the server look as if it said nothing. */
const TOGETHER = 16;

/** Such a run would not count, and there would be fewer than asked for. */
const PRECONDITION = "Cannot try a property with fc.pre() together: filter its values";

/** Does something with each of some values, with many at the same time. Rejects once one fails, and begins no more. */
export async function eachPipelined<Value>(
  values: Iterable<Value>,
  act: (value: Value) => Promise<unknown>,
): Promise<void> {
  const left = values[Symbol.iterator]();
  let failed = false;
  await Promise.all(Array.from({ length: TOGETHER }, async () => {
    for (let next = left.next(); !next.done && !failed; next = left.next()) {
      await act(next.value).catch((error: unknown) => {
        failed = true;
        throw error;
      });
    }
  }));
}

/**
 * Tries a property on as many random values as `fc.assert` does, many at the same time. Where one fails, `fc.assert` tries
 * the same values one by one, and reports the smallest that fails.
 *
 * @param property A property whose runs share nothing that they change: each has keys of its own.
 * @throws {Error} If a run fails.
 */
export async function assertPipelined<Values>(
  property: fc.IAsyncProperty<Values>,
  { numRuns }: { readonly numRuns: number },
): Promise<void> {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const failures: unknown[] = [];
  await eachPipelined(fc.sample(property, { seed, numRuns }), async (value) => {
    const failure = failures.length > 0 ? null : await property.run(value);
    if (failure !== null) failures.push("error" in failure ? failure.error : new TypeError(PRECONDITION));
  });
  if (failures.length === 0) return;
  await fc.assert(property, { seed, numRuns });
  throw new Error(`A run failed beside others, and none by itself, with seed ${seed}`, { cause: failures[0] });
}
