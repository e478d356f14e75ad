/**
 * Which export stands on which page of the reference.
 *
 * @module
 */

import type { DocSymbol } from "./deno_doc.ts";
import { metricsText } from "./metrics.ts";

/** A page. */
export interface Page {
  /** Its file in `docs/reference/`, without the extension. */
  readonly file: string;
  /** Its heading. */
  readonly title: string;
  /** What stands below the heading. */
  readonly intro: string;
  /** Its exports, in the order of the page. */
  readonly symbols: readonly DocSymbol[];
}

/** An entry point: its name and its exports. */
export interface Entry {
  /** `@ratesync/core/redis` */
  readonly name: string;
  /** Its doc comment, without examples. */
  readonly doc: string;
  readonly symbols: readonly DocSymbol[];
}

/** A page about a topic. It takes the exports that it names, of the entry points in which they stand. */
interface Topic {
  readonly file: string;
  readonly title: string;
  readonly intro: string;
  readonly has: (name: string, source: string) => boolean;
  /** What comes first on the page. */
  readonly first?: readonly string[];
}

/** What comes first on a page without an order of its own. */
const KINDS: readonly string[] = ["function", "class"];

const TOPICS: readonly Topic[] = [
  {
    file: "errors",
    title: "Errors",
    intro: "Every error that the package throws for callers to catch: its `code`, its class, when it comes.\n\n" +
      "- A denial is no error of `tryAcquire` and `peek`: it is a decision. `acquire` throws it, as `RateLimitedError`.\n" +
      '- A `StoreError` reaches callers of `acquire` and `tryAcquire` only with `onStoreError: "throw"`. It always reaches ' +
      "callers of `connect()` and of corrections (`reset`, `refund`, `penalize`, `block`).\n" +
      "- A wrong option of a call, such as a cost of 0, is a `RangeError` or a `TypeError`: a mistake in the code.\n" +
      "- An aborted `signal` makes the call reject with the signal's own reason.\n" +
      "- `instanceof` and `RateSyncError.is(error)` know the errors of every copy of the package in the process.",
    has: (name, source) => /\/base\/(?:store_error_reasons|errors)\.ts$/.test(source) || name === "RateLimitedError",
    first: ["RateSyncErrorCode", "RateSyncError"],
  },
  {
    file: "events",
    title: "Events, metrics and checks",
    intro:
      "What a limiter and a store report about themselves. Subscribe with `subscribe()` and `subscribeStores()`, " +
      "read counts with `metrics()`, and look at a store with `check()`. With `observe()` comes what metrics need " +
      "besides; [Metrics](metrics.md) has those that are ready for OpenTelemetry and Prometheus.",
    has: (name, source) =>
      /\/observe\/(?:events|observer|heavy_hitters)\.ts$/.test(source) ||
      /^(?:LimiterMetrics|Store(?:Check|Problem\w*))$/.test(name),
    first: [
      "LimiterEvent",
      "StoreEvent",
      "LimiterMetrics",
      "Observer",
      "WaitOutcome",
      "HeavyHitters",
      "HeavyHitter",
      "StoreCheck",
      "StoreProblem",
      "StoreProblemKind",
    ],
  },
  { file: "metrics", title: "Metrics", intro: metricsText(), has: () => false },
  {
    file: "options",
    title: "Options",
    intro: "What `createRateSync()`, `configureStore()` and `configureLimiter()` take, and what calls take. " +
      "[Configuration](../configuration.md) has the keys of `rate-sync.toml`.",
    has: (name, source) =>
      /\/src\/(?:registry|policy|limiter|algorithms|stores\/redis\/options)\b/.test(source) &&
      /^[A-Z]\w*$/.test(name) &&
      /(?:Options|Config|ConfigParser|EnvReader|Credential|^OnChange|Algorithm|StoreErrorPolicy|AskFor)$/.test(name),
    first: ["RateSyncOptions", "LimiterOptions", "LimitOptions", "FailureOptions", "StoreConfig", "MemoryStoreConfig"],
  },
  {
    file: "store_contract",
    title: "The contract of a store",
    intro: "What a store of one's own must do, and the compiled rules that it is given. " +
      "[Testing](../testing.md) tells how the conformance suite tries it.",
    has: (name, source) =>
      /\/(?:stores\/(?:store|requests|replies)|algorithms\/\w+)\.ts$/.test(source) || /^(?:Named)?Policy$/.test(name),
  },
];

/** The pages of all exports: topics first, then one for each entry point. Each export stands on one page. */
export function layOut(entries: readonly Entry[]): Page[] {
  const taken = new Set<string>();
  const topics = TOPICS.map(({ file, title, intro }) => ({ file, title, intro, symbols: [] as DocSymbol[] }));
  const own = entries.map(({ name, doc, symbols }) => {
    const rest: DocSymbol[] = [];
    for (const symbol of symbols) {
      const source = sourceOf(symbol);
      if (taken.has(identity(symbol))) continue;
      taken.add(identity(symbol));
      const topic = TOPICS.findIndex(({ has }) => has(symbol.name, source));
      (topics[topic]?.symbols ?? rest).push(symbol);
    }
    return { file: fileOf(name), title: `\`${name}\``, intro: doc, symbols: rest };
  });
  return [...topics, ...own].map((page, i) => ({ ...page, symbols: inOrder(page.symbols, TOPICS[i]?.first ?? []) }));
}

/** What a topic puts first, then functions, then classes, then the rest as the entry point has it. */
function inOrder(symbols: readonly DocSymbol[], first: readonly string[]): DocSymbol[] {
  const rank = ({ name, declarations }: DocSymbol) => {
    const place = first.indexOf(name);
    if (place >= 0) return place;
    const kind = KINDS.indexOf(declarations[0]?.kind ?? "");
    return first.length + (kind >= 0 ? kind : KINDS.length);
  };
  return [...symbols].sort((a, b) => rank(a) - rank(b));
}

/** The same for every entry point that has the export. */
export function identity(symbol: DocSymbol): string {
  return `${sourceOf(symbol)}#${symbol.name}`;
}

function sourceOf({ declarations }: DocSymbol): string {
  return declarations[0]?.location.filename ?? "";
}

function fileOf(entry: string): string {
  const path = entry.split("/").slice(2).join("_");
  return path === "" ? "core" : path.replaceAll("-", "_");
}
