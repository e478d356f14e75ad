/**
 * What the page knows: the latest messages of the server, and whether they still come.
 *
 * @module
 */

import { addPoint, type ConfigView, type Point, pointOf, type View } from "../view.ts";

/** Whether messages come. `locked`: the server wants a token. */
export type Link = "connecting" | "live" | "lost" | "locked";

/** What the page knows. */
export interface State {
  readonly link: Link;
  /** When the last view was made, in milliseconds since the Unix epoch. */
  readonly sinceMs: number | undefined;
  readonly config: ConfigView | undefined;
  readonly view: View | undefined;
  /** The last minutes. */
  readonly points: readonly Point[];
}

/** Where the page was loaded, with `/` at its end: frameworks serve it with and without that. */
const BASE = location.pathname.replace(/\/?$/, "/");

/** How long views may stay away before they count as lost, in milliseconds. A store that hangs holds one up for three seconds. */
const SILENT_MS = 6_000;

/**
 * Connects to the server, again and again, and calls `changed` with what is known. In a browser there is no other clock than its
 * own, so the time is not taken from `base/clock.ts`.
 */
export function connect(changed: (state: State) => void): void {
  let state: State = { link: "connecting", sinceMs: undefined, config: undefined, view: undefined, points: [] };
  let source: EventSource | undefined;
  let heardMs = Date.now();
  const set = (more: Partial<State>) => changed(state = { ...state, ...more });

  const open = () => {
    source = new EventSource(`${BASE}events`);
    const on = <Data>(name: string, take: (data: Data) => void) =>
      source?.addEventListener(name, (event) => {
        heardMs = Date.now();
        take(JSON.parse(event.data));
      });
    on<ConfigView>("config", (config) => {
      document.title = config.title;
      set({ config });
    });
    on<Point[]>("points", (points) => {
      const [first] = points;
      // What the server has forgotten meanwhile stays.
      const kept = first === undefined ? state.points : state.points.filter(({ t }) => t < first.t);
      set({ points: [...kept, ...points] });
    });
    on<View>("view", (view) => {
      const points = [...state.points];
      addPoint(points, pointOf(view));
      set({ view, points, link: "live", sinceMs: view.atMs });
    });
    source.onerror = () => {
      const isRefused = source?.readyState === EventSource.CLOSED;
      if (state.link !== "locked") set({ link: "lost" });
      if (isRefused) void whyRefused();
    };
  };

  // The browser connects again by itself after a break, but not after an answer that is no stream.
  const whyRefused = async () => {
    const response = await fetch(`${BASE}events`, { method: "HEAD" }).catch(() => undefined);
    if (response?.status === 401) return await enter();
    setTimeout(open, 2_000);
  };

  const enter = async () => {
    const token = new URLSearchParams(location.hash.slice(1)).get("token");
    history.replaceState(null, "", location.pathname + location.search); // it is no part of bookmarks and screenshots
    if (token === null || await logIn(token) !== undefined) set({ link: "locked" });
    else open();
  };

  unlocked = open;
  setInterval(() => {
    if (state.link === "live" && Date.now() - heardMs > SILENT_MS) {
      source?.close();
      set({ link: "lost" });
      open();
    }
  }, 1_000);
  changed(state);
  open();
}

let unlocked = () => {};

/** Sends the token. Resolves to what is wrong with it, or to nothing. */
export async function logIn(token: string): Promise<string | undefined> {
  const answer = await post<object>("session", { token });
  return "problem" in answer ? answer.problem : undefined;
}

/** Sends the token that a visitor has entered, and connects. */
export async function unlock(token: string): Promise<string | undefined> {
  const problem = await logIn(token);
  if (problem === undefined) unlocked();
  return problem;
}

/** Asks the server. Resolves to its answer, or to what is wrong, in words. */
export async function post<Answer>(path: string, body: unknown): Promise<Answer | { readonly problem: string }> {
  try {
    const response = await fetch(BASE + path, {
      method: "POST",
      headers: { "content-type": "application/json", "x-ratesync-dashboard": "1" },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    const answer = text === "" ? {} : JSON.parse(text);
    return response.ok ? answer : { problem: String(answer.detail ?? `The server answers ${response.status}`) };
  } catch {
    return { problem: "The server cannot be reached" };
  }
}
