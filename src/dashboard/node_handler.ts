/**
 * A handler of requests on `node:http`.
 *
 * @module
 */

/** What is used of an `IncomingMessage`, and of what body parsers add. */
export interface NodeDashboardRequest extends AsyncIterable<Uint8Array> {
  /** The method. */
  readonly method?: string | undefined;
  /** The path with its query; Express has removed the path of the mount. */
  readonly url?: string | undefined;
  /** The headers, names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** What a parser has read. */
  readonly body?: unknown;
}

/** What is used of a `ServerResponse`. */
export interface NodeDashboardResponse {
  /** Sends the head. */
  writeHead(status: number, headers: Record<string, string>): unknown;
  /** Sends a part of the body. */
  write(chunk: Uint8Array): boolean;
  /** Ends the answer. */
  end(): unknown;
  /** Calls back once. */
  once(event: "close" | "drain", listener: () => void): unknown;
}

/** Answers a request of `node:http`. */
export type NodeHandler = (request: NodeDashboardRequest, response: NodeDashboardResponse) => Promise<void>;

/** Runs a handler of requests on `node:http`. */
export function nodeHandler(handle: (request: Request) => Promise<Response>): NodeHandler {
  return async (incoming, outgoing) => {
    let leave = () => {};
    const left = new Promise<void>((resolve) => leave = resolve);
    outgoing.once("close", leave);
    const response = await handle(await requestOf(incoming));
    outgoing.writeHead(response.status, Object.fromEntries(response.headers));
    const reader = response.body?.getReader();
    void left.then(() => reader?.cancel().catch(() => {}));
    for (let part = await reader?.read(); part?.value !== undefined; part = await reader?.read()) {
      if (outgoing.write(part.value)) continue;
      await Promise.race([left, new Promise<void>((resolve) => outgoing.once("drain", resolve))]);
    }
    outgoing.end();
  };
}

async function requestOf(incoming: NodeDashboardRequest): Promise<Request> {
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (value !== undefined && !name.startsWith(":")) headers.set(name, [value].flat().join(", "));
  }
  const { method = "GET", url = "/" } = incoming;
  // The host of a URL is not used; the one of the header may be no host at all.
  const address = new URL(url.replace(/^[^/]*/, "").replace(/^\/+/, "/"), "http://localhost");
  if (method === "GET" || method === "HEAD") return new Request(address, { method, headers });
  return new Request(address, { method, headers, body: await textOf(incoming) });
}

/** The body: as a parser has left it, or what comes. */
async function textOf(incoming: NodeDashboardRequest): Promise<string> {
  if (incoming.body !== undefined && incoming.body !== null) {
    return typeof incoming.body === "string" ? incoming.body : JSON.stringify(incoming.body);
  }
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of incoming) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > MAX_BODY) return " ".repeat(MAX_BODY + 1); // the handler refuses it
  }
  return text;
}

/** More than the handler takes. */
const MAX_BODY = 500_001;
