/**
 * The keys that come most often. Clients may have chosen them, so they are text, whatever they hold.
 *
 * @module
 */

import type { VNode } from "preact";

import type { FleetKey, FleetLimiter } from "../../fleet/fleet.ts";
import { number } from "./format.ts";

/** What a key is explained by. */
type Ask = (asked: { readonly limiter: string; readonly key: string }) => void;

/** The keys with the most requests and denials, of all limiters or of one. */
export function Keys(
  { limiters, chosen, ask }: {
    readonly limiters: readonly FleetLimiter[];
    readonly chosen: string | undefined;
    readonly ask: Ask;
  },
): VNode {
  const shown = limiters.filter(({ id }) => chosen === undefined || id === chosen);
  const about = chosen === undefined ? "" : `, limiter ${chosen}`;
  const rowsOf = (pick: (limiter: FleetLimiter) => readonly FleetKey[]) =>
    shown.flatMap((limiter) => pick(limiter).map((key) => ({ limiter: limiter.id, ...key })))
      .sort((a, b) => b.count - a.count).slice(0, 10);
  return (
    <div class="columns">
      <KeyTable
        id="requests"
        title={`Keys with the most requests${about}`}
        rows={rowsOf((it) => it.topRequests)}
        ask={ask}
      />
      <KeyTable
        id="denials"
        title={`Keys with the most denials${about}`}
        rows={rowsOf((it) => it.topDenials)}
        ask={ask}
      />
    </div>
  );
}

function KeyTable(
  { id, title, rows, ask }: {
    readonly id: string;
    readonly title: string;
    readonly rows: readonly (FleetKey & { readonly limiter: string })[];
    readonly ask: Ask;
  },
): VNode {
  return (
    <section aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {rows.length === 0 ? <p class="faint">None since this page was opened.</p> : (
        <table>
          <caption>Choose a key to explain it. Counts are since this page was opened, at least nearly.</caption>
          <thead>
            <tr>
              <th scope="col">Key</th>
              <th scope="col">Limiter</th>
              <th scope="col" class="n">Count</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ limiter, key, count }) => (
              <tr key={`${limiter} ${key}`}>
                <th scope="row">
                  <button type="button" class="link key" onClick={() => ask({ limiter, key })}>
                    {key === "" ? "(no key)" : key}
                  </button>
                </th>
                <td class="key">{limiter}</td>
                <td class="n">{number(count)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
