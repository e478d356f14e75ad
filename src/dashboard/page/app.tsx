/**
 * The whole page.
 *
 * @module
 */

import type { VNode } from "preact";
import { useState } from "preact/hooks";

import { Configuration } from "./configuration.tsx";
import { Explain } from "./explain.tsx";
import { Figures } from "./figures.tsx";
import { clock } from "./format.ts";
import { Keys } from "./keys.tsx";
import { Limiters } from "./limiters.tsx";
import { Plots } from "./plots.tsx";
import type { State } from "./state.ts";
import { Processes, Stores } from "./stores.tsx";
import { Token } from "./token.tsx";
import { Warnings } from "./warnings.tsx";

/** The page. */
export function App({ link, sinceMs, config, view, points }: State): VNode {
  const [chosen, choose] = useState<string>();
  const [asked, ask] = useState<{ readonly limiter: string; readonly key: string }>();
  const title = config?.title ?? "Rate limits";
  if (link === "locked") {
    return (
      <main>
        <h1>{title}</h1>
        <Token />
      </main>
    );
  }
  return (
    <main>
      <header>
        <h1>{title}</h1>
        <p role="status" class={link === "lost" ? "status lost" : "status"}>{statusOf(link, sinceMs)}</p>
      </header>
      {view !== undefined && config !== undefined && (
        <>
          <Warnings {...view} />
          <Figures limiters={view.limiters} stores={view.stores} chosen={chosen} />
          <Plots points={points} chosen={chosen} />
          <Limiters {...view} config={config} chosen={chosen} choose={choose} />
          <Keys limiters={view.limiters} chosen={chosen} ask={ask} />
          <Explain config={config} asked={asked} />
          <Stores stores={view.stores} />
          <Processes stores={view.stores} />
          <Configuration config={config} />
        </>
      )}
    </main>
  );
}

function statusOf(link: State["link"], sinceMs: number | undefined): string {
  if (link === "live") return "Live";
  if (link === "connecting" || sinceMs === undefined) return "Connecting…";
  return `Connection lost: these figures are of ${clock(sinceMs)}. Connecting again…`;
}
