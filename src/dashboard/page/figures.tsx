/**
 * The figures at the top.
 *
 * @module
 */

import type { VNode } from "preact";

import type { FleetLimiter } from "../../fleet/fleet.ts";
import type { StoreView } from "../view.ts";
import { duration, most, number, share, sum } from "./format.ts";

/** The sums over all limiters, or those of one. */
export function Figures(
  { limiters, stores, chosen }: {
    readonly limiters: readonly FleetLimiter[];
    readonly stores: readonly StoreView[];
    readonly chosen: string | undefined;
  },
): VNode {
  const shown = limiters.filter(({ id }) => chosen === undefined || id === chosen);
  const requests = sum(shown.map(({ perSecond }) => perSecond));
  const denied = requests - sum(shown.map(({ allowedPerSecond }) => allowedPerSecond));
  const figures: readonly (readonly [name: string, value: string, style?: string | false])[] = [
    ["Requests a second", number(requests)],
    ["Denied a second", number(denied), denied > 0 && "bad"],
    ["Denied", share(denied, requests)],
    ["Waiting", number(sum(shown.map(({ waiting }) => waiting)))],
    ["Permits held", number(sum(shown.map(({ permits }) => permits)))],
    ["Wait, p99", duration(most(shown.map(({ waitP99Ms }) => waitP99Ms)))],
    ["Store, p99", duration(most(stores.map(({ p99Ms }) => p99Ms)))],
    ["By failure policy", number(sum(shown.map(({ degradedPerSecond }) => degradedPerSecond)))],
  ];
  return (
    <dl class="figures">
      {figures.map(([name, value, style]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd class={style || undefined}>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
