/**
 * A log of runs: an instant, and how many units were taken for it. Oldest first, in pages whose units are known, so that
 * a run is found by its units without looking at all of them.
 *
 * @module
 */

/** Some runs, one behind the other. */
export interface Page {
  /** Instants; those from `from` on count, up to `to`. Most logs are short: typed arrays would be larger than what is in them. */
  stampsUs: number[];
  /** Units taken for each. */
  units: number[];
  /** The first run that counts. */
  from: number;
  /** Past the last run. */
  to: number;
  /** Units of all runs that count. */
  sum: number;
}

/** A place in a log. */
export interface Place {
  /** The number of the page. */
  readonly page: number;
  /** The run in it. */
  readonly run: number;
  /** Units of all runs before this one. */
  readonly before: number;
}

/** The fewest runs of a page; a page of a large limit has about as many runs as there are pages. */
const LEAST_PAGE = 64;

/** The newest instant in a log; 0 in an empty one. */
export function newestUs(pages: readonly Page[]): number {
  const last = pages[pages.length - 1];
  return last === undefined ? 0 : last.stampsUs[last.to - 1] as number;
}

/** The first run with which the units from the oldest on reach `least`, which is not more than there are. */
export function findUnits(pages: readonly Page[], least: number): Place {
  let before = 0;
  let page = 0;
  while (before + (pages[page] as Page).sum < least) before += (pages[page++] as Page).sum;
  const { units, from } = pages[page] as Page;
  let run = from;
  while (before + (units[run] as number) < least) before += units[run++] as number;
  return { page, run, before };
}

/** The first run whose instant is later than `us`; past the end if there is none. */
export function findLater(pages: readonly Page[], us: number): Place {
  let before = 0;
  let page = 0;
  while (page < pages.length && ((pages[page] as Page).stampsUs[(pages[page] as Page).to - 1] as number) <= us) {
    before += (pages[page++] as Page).sum;
  }
  if (page === pages.length) return { page, run: 0, before };
  const { stampsUs, units, from } = pages[page] as Page;
  let run = from;
  while ((stampsUs[run] as number) <= us) before += units[run++] as number;
  return { page, run, before };
}

/** Adds units at the end, for the newest instant or a later one. */
export function append(pages: Page[], stampUs: number, units: number, capacity: number): void {
  const last = pages[pages.length - 1];
  if (last !== undefined && last.stampsUs[last.to - 1] === stampUs) {
    (last.units[last.to - 1] as number) += units;
    last.sum += units;
    return;
  }
  if (last === undefined || last.to >= Math.max(LEAST_PAGE, Math.sqrt(capacity))) {
    if (last !== undefined) fit(last);
    pages.push({ stampsUs: [stampUs], units: [units], from: 0, to: 1, sum: units });
    return;
  }
  last.stampsUs[last.to] = stampUs;
  last.units[last.to++] = units;
  last.sum += units;
}

/** Drops all runs in front of a place. */
export function dropBefore(pages: Page[], { page, run }: Place): void {
  if (page > 0) pages.splice(0, page);
  const first = pages[0];
  if (first === undefined) return;
  for (; first.from < run; first.from++) first.sum -= first.units[first.from] as number;
}

/** A log of all runs in front of a place, which can be appended to without a change of the given one. */
export function copyBefore(pages: readonly Page[], { page, run }: Place): Page[] {
  const log = pages.slice(0, page + 1);
  const last = log.pop() as Page;
  if (run > last.from) {
    const sum = last.units.slice(last.from, run).reduce((a, b) => a + b, 0);
    log.push({ ...last, stampsUs: last.stampsUs.slice(), units: last.units.slice(), to: run, sum });
  } else if (log.length > 0) {
    const { stampsUs, units, ...others } = log.pop() as Page;
    log.push({ ...others, stampsUs: stampsUs.slice(), units: units.slice() });
  }
  return log;
}

/** Takes units of one instant out of a log, as many as it has. Returns how many that were. */
export function takeOut(pages: Page[], stampUs: number, units: number): number {
  let low = 0;
  let high = pages.length;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const { stampsUs, to } = pages[middle] as Page;
    if ((stampsUs[to - 1] as number) < stampUs) low = middle + 1;
    else high = middle;
  }
  const page = pages[low];
  if (page === undefined) return 0;
  let { from: first, to: past } = page;
  while (first < past) {
    const middle = Math.floor((first + past) / 2);
    if ((page.stampsUs[middle] as number) < stampUs) first = middle + 1;
    else past = middle;
  }
  if (page.stampsUs[first] !== stampUs || first >= page.to) return 0;
  const taken = Math.min(units, page.units[first] as number);
  (page.units[first] as number) -= taken;
  page.sum -= taken;
  dropEmpty(pages);
  return taken;
}

/** Drops runs without units at the end: no call relies on their instants. */
function dropEmpty(pages: Page[]): void {
  for (let last = pages.at(-1); last !== undefined; last = pages.at(-1)) {
    while (last.to > last.from && last.units[last.to - 1] === 0) last.to--;
    if (last.to > last.from) return;
    pages.pop();
  }
}

/** Gives back the room that arrays have for more: the page is full. */
function fit(page: Page): void {
  page.stampsUs = page.stampsUs.slice(0, page.to);
  page.units = page.units.slice(0, page.to);
}
