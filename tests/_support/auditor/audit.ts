/**
 * The laws, over what a store did.
 *
 * @module
 */

import type { RateLimit } from "../../../src/algorithms/limit.ts";
import type { Books } from "./books.ts";
import type { Ledger } from "./ledger.ts";
import { aboveLarger, aboveOwn } from "./mixed.ts";
import { tooMuch } from "./too_much.ts";

/** What an audit expects beside the laws that always hold. */
export interface Expectations {
  /** Keys that only one call has used, and what it may be charged, by the names of ledgers. */
  readonly charges?: ReadonlyMap<string, number>;
  /** Whether waiters for permits are served strictly in the order of arrival: nothing was lost. */
  readonly inOrder?: boolean;
  /** When processes ended without giving anything back, by what the ids of theirs begin with. */
  readonly crashes?: ReadonlyMap<string, number>;
}

/** Everything that is wrong; nothing if all is well. */
export function audit(books: Books, { charges, inOrder, crashes }: Expectations = {}): string[] {
  const problems = [...books.problems, ...torn(books)];
  for (const ledger of books.ledgers.values()) {
    const { name } = ledger;
    const found = [
      boundOf(ledger),
      tooManyHold(ledger),
      stale(ledger),
      inOrder && ledger.overtaken.size > 0 ? `law 10: ${ledger.overtaken.size} waiters were overtaken` : undefined,
      overcharged(ledger, charges?.get(name)),
      crashes === undefined ? undefined : outlived(ledger, crashes),
    ];
    for (const problem of found) if (problem !== undefined) problems.push(`${name}: ${problem}`);
  }
  return problems;
}

/** Law 1, or where rules have changed, law 16. */
function boundOf(ledger: Ledger): string | undefined {
  const { rules, kept } = ledger;
  const stays = kept.filter(({ units }) => units > 0);
  const policies = rules.map(({ rates }) => rates) as [readonly RateLimit[], ...(readonly RateLimit[])[]];
  if (policies.every((rates) => JSON.stringify(rates) === JSON.stringify(policies[0]))) {
    const problem = tooMuch(policies[0], stays);
    return problem && `law 1: ${problem}`;
  }
  const problem = aboveLarger(policies, stays, ledger.metUs) ?? aboveOwn(ledger);
  return problem && `law 16: ${problem}`;
}

/** Law 1 for permits: at no instant are more held than the largest limit that is in use. */
function tooManyHold({ rules, held }: Ledger): string | undefined {
  const most = Math.max(...rules.map(({ maxConcurrent }) => maxConcurrent));
  if (most === 0) return undefined;
  const changes = held.flatMap(({ fromUs, untilUs, permits }) => {
    return [{ atUs: fromUs, by: permits }, { atUs: Math.max(untilUs, fromUs), by: -permits }];
  }).toSorted((a, b) => a.atUs - b.atUs || a.by - b.by);
  let count = 0;
  for (const { by } of changes) {
    count += by;
    if (count > most) return `law 1: ${count} permits are held where ${most} are the most`;
  }
  return undefined;
}

/** Law 1 for permits: fencing tokens grow. Of one instant, wakeups may be told of in another order. */
function stale({ fences }: Ledger): string | undefined {
  const inOrder = fences.toSorted((a, b) => a.nowUs - b.nowUs || a.fence - b.fence).map(({ fence }) => fence);
  const place = inOrder.findIndex((fence, i) => i > 0 && fence <= (inOrder[i - 1] as number));
  return place < 0 ? undefined : `law 1: fencing token ${inOrder[place]} after ${inOrder[place - 1]}`;
}

/** Law 7: of a take over several keys, as much was given back on one as on the other. */
function torn({ together }: Books): string[] {
  return together.flatMap(({ ledgers, numbers }) => {
    const kept = ledgers.map((ledger, i) => ledger.kept[(numbers[i] as number) - 1]);
    const isWhole = kept.every((each) => each?.units === each?.taken) || kept.every((each) => each?.units === 0);
    return isWhole ? [] : [`law 7: a take of ${ledgers.map(({ name }) => name).join(" and ")} was given back in part`];
  });
}

/** Law 12: a call is charged once. */
function overcharged({ kept }: Ledger, most: number | undefined): string | undefined {
  if (most === undefined) return undefined;
  const sum = kept.reduce((units, each) => units + each.units, 0);
  return sum > most ? `law 12: one call was charged ${sum} units, not ${most}` : undefined;
}

/** Law 11: what a process held when it crashed is free when its leases end. */
function outlived({ rules, held }: Ledger, crashes: ReadonlyMap<string, number>): string | undefined {
  const ttlUs = Math.max(...rules.map(({ leaseTtlUs }) => leaseTtlUs));
  for (const { id, fromUs, untilUs } of held) {
    const crashedUs = crashes.get(id.split(".")[0] as string);
    if (crashedUs !== undefined && fromUs <= crashedUs && untilUs > crashedUs + ttlUs) {
      return `law 11: a lease ended ${untilUs - crashedUs} µs after its process`;
    }
  }
  return undefined;
}
