/**
 * The limiters, with what each does.
 *
 * @module
 */

import type { VNode } from "preact";

import type { ConfigView, View } from "../view.ts";
import { duration, number } from "./format.ts";
import { Scroll } from "./scroll.tsx";

/** A table of the limiters. A choice shows one alone, above and below. */
export function Limiters(
  { limiters, config, chosen, choose }: View & {
    readonly config: ConfigView;
    readonly chosen: string | undefined;
    readonly choose: (id: string | undefined) => void;
  },
): VNode {
  const active = new Set(limiters.map(({ store, id }) => `${store} ${id}`));
  const idle = config.limiters.filter(({ store, id }) => !active.has(`${store} ${id}`));
  const name = (id: string) => (
    <th scope="row">
      <button
        type="button"
        class="link key"
        aria-pressed={chosen === id}
        onClick={() => choose(chosen === id ? undefined : id)}
      >
        {id}
      </button>
    </th>
  );
  return (
    <section aria-labelledby="limiters">
      <h2 id="limiters">Limiters</h2>
      <Scroll label="Limiters">
        <table>
          <caption>Choose a limiter to see it alone. Rates are per second.</caption>
          <thead>
            <tr>
              <th scope="col">Limiter</th>
              <th scope="col" class="n">Allowed</th>
              <th scope="col" class="n">Denied</th>
              <th scope="col">Denied by reason</th>
              <th scope="col" class="n">Waiting</th>
              <th scope="col" class="n">Wait p50, p99</th>
              <th scope="col" class="n">Permits</th>
              <th scope="col" class="n">Processes</th>
            </tr>
          </thead>
          <tbody>
            {limiters.map((it) => {
              const denied = it.perSecond - it.allowedPerSecond;
              return (
                <tr key={`${it.store} ${it.id}`} class={chosen === it.id ? "chosen" : undefined}>
                  {name(it.id)}
                  <td class="n">{number(it.allowedPerSecond)}</td>
                  <td class={denied > 0 ? "n bad" : "n"}>{number(denied)}</td>
                  <td>
                    {Object.entries(it.deniedPerSecond).map(([reason, rate]) => `${reason} ${number(rate)}`).join(", ")}
                    {it.degradedPerSecond > 0 && ` (by failure policy ${number(it.degradedPerSecond)})`}
                  </td>
                  <td class="n">{number(it.waiting)}</td>
                  <td class="n">{duration(it.waitP50Ms)}, {duration(it.waitP99Ms)}</td>
                  <td class="n">{number(it.permits)}</td>
                  <td class="n">{it.processes}</td>
                </tr>
              );
            })}
            {idle.map(({ store, id }) => (
              <tr key={`${store} ${id}`} class={chosen === id ? "chosen" : undefined}>
                {name(id)}
                <td colSpan={7} class="faint">no calls since this page was opened</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </section>
  );
}
