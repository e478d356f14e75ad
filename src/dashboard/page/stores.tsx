/**
 * The stores, and the processes that use them.
 *
 * @module
 */

import type { VNode } from "preact";

import type { StoreView } from "../view.ts";
import { clock, duration, many, number } from "./format.ts";
import { Scroll } from "./scroll.tsx";

/** A table of the stores. */
export function Stores({ stores }: { readonly stores: readonly StoreView[] }): VNode {
  return (
    <section aria-labelledby="stores">
      <h2 id="stores">Stores</h2>
      <Scroll label="Stores">
        <table>
          <thead>
            <tr>
              <th scope="col">Store</th>
              <th scope="col">Engine</th>
              <th scope="col">State, circuit breaker</th>
              <th scope="col" class="n">Call p50, p99</th>
              <th scope="col">Shown</th>
            </tr>
          </thead>
          <tbody>
            {stores.map(({ id, engine, state, downSinceMs, p50Ms, p99Ms, processes, isLocal, problem, unreadable }) => (
              <tr key={id}>
                <th scope="row" class="key">{id}</th>
                <td>{engine}</td>
                <td class={state === "up" ? "good" : "bad"}>
                  {state === "down" ? "down, breaker open" : `${state}, breaker closed`}
                  {downSinceMs !== undefined && ` since ${clock(downSinceMs)}`}
                </td>
                <td class="n">{duration(p50Ms)}, {duration(p99Ms)}</td>
                <td>
                  {isLocal ? `this process only: ${problem}` : many(processes.length, "process", "processes")}
                  {unreadable > 0 && `, ${unreadable} reports cannot be read`}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </section>
  );
}

/** A table of the processes. */
export function Processes({ stores }: { readonly stores: readonly StoreView[] }): VNode {
  const rows = stores.flatMap(({ id: store, processes }) => processes.map((process) => ({ store, ...process })));
  return (
    <section aria-labelledby="processes">
      <h2 id="processes">Processes</h2>
      {rows.length === 0
        ? <p class="faint">No process has made a call since this page was opened.</p>
        : (
          <Scroll label="Processes">
            <table>
              <thead>
                <tr>
                  <th scope="col">Process</th>
                  <th scope="col">Store</th>
                  <th scope="col">Runtime</th>
                  <th scope="col">Version</th>
                  <th scope="col">Store is</th>
                  <th scope="col" class="n">Outages</th>
                  <th scope="col" class="n">Calls a second</th>
                  <th scope="col" class="n">Queued, on the way</th>
                  <th scope="col" class="n">Call p50, p99</th>
                </tr>
              </thead>
              <tbody>
                {rows.map((it) => (
                  <tr key={`${it.store} ${it.id}`}>
                    <th scope="row" class="key">{it.label}</th>
                    <td class="key">{it.store}</td>
                    <td>{it.runtime}</td>
                    <td>{it.version}</td>
                    <td class={it.state === "up" ? "good" : "bad"}>{it.state} {it.error}</td>
                    <td class="n">{it.outages}</td>
                    <td class="n">{number(it.perSecond)}</td>
                    <td class="n">{it.queued}, {it.calls}</td>
                    <td class="n">{duration(it.p50Ms)}, {duration(it.p99Ms)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </Scroll>
        )}
    </section>
  );
}
