/**
 * What is wrong now: stores that are down, processes that differ.
 *
 * @module
 */

import type { VNode } from "preact";

import type { View } from "../view.ts";
import { clock } from "./format.ts";

/** What is wrong now; nothing if all is well. */
export function Warnings({ stores, limiters }: View): VNode | null {
  const down = stores.flatMap(({ id, state, downSinceMs, processes }) => {
    const since = downSinceMs === undefined ? "" : ` since ${clock(downSinceMs)}`;
    const others = processes.filter((process) => process.state !== "up");
    return [
      ...(state === "up" ? [] : [`Store ${id} is ${state} for this process${since}: failure policies decide.`]),
      ...others.map((it) => `Store ${id} is ${it.state} for process ${it.label}${it.error && `: ${it.error}`}.`),
    ];
  });
  const differing = limiters.filter(({ rules }) => rules.length > 1);
  if (down.length + differing.length === 0) return null;
  return (
    <section class="alert" aria-labelledby="warnings">
      <h2 id="warnings">Warnings</h2>
      {down.map((text) => <p key={text}>{text}</p>)}
      {differing.map(({ id, rules }) => (
        <div key={id}>
          <p>Processes have different rules for limiter {id}. Each counts every unit, and decides by its own rules.</p>
          <ul>
            {rules.map(({ hash, rules, processes }) => <li key={hash}>{rules}: {processes.join(", ")}</li>)}
          </ul>
        </div>
      ))}
    </section>
  );
}
