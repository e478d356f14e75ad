/**
 * Access logs of any length whose denials are known beforehand: arithmetic tells them, and no limiter.
 *
 * A client sends all requests of a minute in one second of it. So each limit that is full again after a minute allows
 * the first `LIMIT` of them, and denies the rest, however it counts.
 *
 * @module
 */

/** The requests that the limit allows. Its window must be at most 20 s. */
export const LIMIT = 6;

/** Limiters that all decide alike on these logs. */
export const LIMITERS: Readonly<Record<string, object>> = {
  bucket: { algorithm: "token_bucket", ratePerSecond: LIMIT / 20, burst: LIMIT },
  fixed: { algorithm: "fixed_window", limit: LIMIT, windowMs: 20_000 },
  counter: { algorithm: "sliding_window_counter", limit: LIMIT, windowMs: 20_000 },
  sliding: { algorithm: "sliding_window", limit: LIMIT, windowMs: 20_000 },
};

/** When the log begins: 2026-03-02T06:00:00Z, in milliseconds. */
const START_MS = 1_772_431_200_000;

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const PATHS = ["/", "/login", "/api/items/1042", "/api/items?page=2", "/static/app.js", "/search?q=limits"];
const AGENTS = [
  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
  "curl/8.8.0",
  'probe \\"quoted\\" agent',
];

/** How a log is made. */
export interface AccessLogOptions {
  /** How many lines, at least. The log ends with the minute that reaches it. */
  readonly lines: number;
  /** How many clients. @default {10_000} */
  readonly keys?: number;
  /** One line in so many is none; 0 for none. @default {1_000} */
  readonly garbageEvery?: number;
}

/** What a replay of the log has to find. */
export interface KnownAnswer {
  requests: number;
  denied: number;
  readonly keys: number;
  garbage: number;
  /** Denials by key. */
  readonly byKey: Map<string, number>;
  /** Denials by hour, as ISO 8601. */
  readonly byHour: Map<string, number>;
  /** Denials by path as it is reported. */
  readonly byPath: Map<string, number>;
}

/** Makes the text of a log, a minute at a time. The answer is complete when all of it was read. */
export function accessLog(
  options: AccessLogOptions,
): { readonly text: Iterable<string>; readonly answer: KnownAnswer } {
  const { keys = 10_000, garbageEvery = 1_000, lines } = options;
  const answer: KnownAnswer = {
    requests: 0,
    denied: 0,
    keys,
    garbage: 0,
    byKey: new Map(),
    byHour: new Map(),
    byPath: new Map(),
  };
  function* text(): Iterable<string> {
    for (let minute = 0; answer.requests < lines; minute++) {
      for (let second = 0; second < 60; second++) yield secondOf(minute, second, keys, garbageEvery, answer);
    }
  }
  return { text: text(), answer };
}

function secondOf(minute: number, second: number, keys: number, garbageEvery: number, answer: KnownAnswer): string {
  const atMs = START_MS + (minute * 60 + second) * 1_000;
  const stamp = stampOf(atMs);
  const hour = new Date(Math.floor(atMs / 3.6e6) * 3.6e6).toISOString();
  let text = "";
  // Requests of the clients of a second take turns: the first of each, then the second of each.
  for (let round = 0, isOver = false; !isOver; round++) {
    isOver = true;
    for (let key = second; key < keys; key += 60) {
      if (round >= requestsOf(key, minute)) continue;
      isOver = false;
      const target = PATHS[round % PATHS.length] as string;
      const agent = AGENTS[key % AGENTS.length] as string;
      const address = addressOf(key);
      text += `${address} - - [${stamp}] "GET ${target} HTTP/1.1" 200 ${512 + round} "-" "${agent}"\n`;
      answer.requests++;
      if (round >= LIMIT) {
        answer.denied++;
        add(answer.byKey, address);
        add(answer.byHour, hour);
        add(answer.byPath, (target.split("?")[0] as string).replace("1042", ":id"));
      }
      if (garbageEvery > 0 && answer.requests % garbageEvery === 0) {
        answer.garbage++;
        text += `${address} this is no line of a log ${answer.garbage}\n`;
      }
    }
  }
  return text;
}

/** One to eight requests, and for each fiftieth client some more. Every client comes in the first minute. */
function requestsOf(key: number, minute: number): number {
  const noise = Math.imul(key * 1_000_003 + minute * 7_919 + 12_345, 0x9e3779b1) >>> 16;
  return 1 + (noise % 8) + (key % 50 === 7 ? noise % 40 : 0);
}

function addressOf(key: number): string {
  return `10.${(key >> 16) & 255}.${(key >> 8) & 255}.${key & 255}`;
}

function stampOf(atMs: number): string {
  const [year, month, day, ...time] = new Date(atMs).toISOString().split(/[-T:.]/);
  return `${day}/${MONTHS[Number(month) - 1]}/${year}:${time.slice(0, 3).join(":")} +0000`;
}

function add(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
