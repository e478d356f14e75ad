/**
 * What grows while a soak runs.
 *
 * @module
 */

/** How large a figure may be later, by the name of the figure and by how large it was at most before. */
export type Allowed<Sample> = Readonly<Partial<Record<keyof Sample & string, (before: number) => number>>>;

/**
 * Compares two parts of what was sampled.
 *
 * @param before The earlier part.
 * @param after The later one.
 * @param allowed What may grow, and how far. Figures that are not named may be anything.
 * @returns One line for each figure that has grown further. A figure that is not a number was not measured, and has not.
 */
export function growthBetween<Sample extends object>(
  before: readonly Sample[],
  after: readonly Sample[],
  allowed: Allowed<Sample>,
): string[] {
  const most = (part: readonly Sample[], name: keyof Sample) =>
    Math.max(...part.map((sample) => Number(sample[name])).filter((figure) => !Number.isNaN(figure)));
  return (Object.keys(allowed) as (keyof Sample & string)[]).flatMap((name) => {
    const [early, late] = [most(before, name), most(after, name)];
    const isMeasured = Number.isFinite(early) && Number.isFinite(late);
    const limit = allowed[name]?.(early) ?? Infinity;
    return isMeasured && late > limit ? [`${name} grew from ${early} to ${late}`] : [];
  });
}

/** Samples in three parts of the same length, from the first on. */
export function thirds<Sample>(samples: readonly Sample[]): [Sample[], Sample[], Sample[]] {
  const third = Math.floor(samples.length / 3);
  return [samples.slice(0, third), samples.slice(third, 2 * third), samples.slice(-third)];
}
