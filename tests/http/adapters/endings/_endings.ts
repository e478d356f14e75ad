/**
 * Every way in which a request ends, and how a client brings it about.
 *
 * @module
 */

import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2 } from "node:http2";
import { connect, type Socket } from "node:net";

import { MemoryStore, type ReplyTo, type StoreRequest } from "@ratesync/core/memory";
import type { AppName } from "../_apps.ts";
import { type Site, until } from "../_suite.ts";

/** A store that answers decisions when it may: what happens before that, happens while a request is being decided. */
export class HeldStore extends MemoryStore {
  /** How many requests wait for an answer. */
  waiting = 0;
  #held: (() => void)[] | undefined;

  /** Holds answers back from now on. */
  hold(): void {
    this.#held = [];
  }

  /** Answers all, and answers at once from now on. */
  letGo(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const go of held) go();
  }

  /** It may answer later. */
  override readonly answersAtOnce = false;

  override execute<Asked extends StoreRequest>(request: Asked): ReplyTo<Asked> | Promise<ReplyTo<Asked>> {
    const held = this.#held;
    if (held === undefined) return super.execute(request);
    this.waiting++;
    return new Promise<void>((resolve) => void held.push(resolve))
      .then(() => super.execute(request)).finally(() => this.waiting--);
  }
}

/** A client of one connection. */
interface Client {
  /** Sends a request; resolves at the first bytes of an answer, or when the connection is closed. */
  send(path: string, method?: string): Promise<void>;
  /** Gives up the last request: closes the connection, or resets the stream. */
  giveUp(): void;
  /** Closes the connection. */
  leave(): void;
}

/** A client of HTTP/1.1, which may send requests before the answers to earlier ones. */
class Http1Client implements Client {
  readonly #socket: Socket;
  #arrived: (() => void)[] = [];

  constructor(url: string) {
    this.#socket = connect(Number(new URL(url).port), "127.0.0.1");
    this.#socket.on("error", () => {}).on("data", () => this.#told()).on("close", () => this.#told());
  }

  send(path: string, method = "GET"): Promise<void> {
    const upgrade = path === "/socket"
      ? "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
      : "";
    this.#socket.write(`${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${upgrade}\r\n`);
    return new Promise((resolve) => void this.#arrived.push(resolve));
  }

  giveUp(): void {
    this.leave();
  }

  leave(): void {
    this.#socket.destroy();
  }

  #told(): void {
    for (const arrived of this.#arrived.splice(0)) arrived();
  }
}

/** A client of HTTP/2. */
class Http2Client implements Client {
  readonly #session: ClientHttp2Session;
  #stream: ClientHttp2Stream | undefined;

  constructor(url: string) {
    this.#session = connectHttp2(url);
    this.#session.on("error", () => {});
  }

  send(path: string, method = "GET"): Promise<void> {
    const stream = this.#stream = this.#session.request({ ":path": path, ":method": method });
    stream.on("error", () => {});
    stream.resume();
    stream.end();
    return new Promise((resolve) => {
      stream.once("response", () => resolve());
      stream.once("close", () => resolve());
    });
  }

  giveUp(): void {
    this.#stream?.close(CANCEL);
  }

  leave(): void {
    this.#session.destroy();
  }
}

/** Waits for an answer, and fails where there is none. */
async function answered(client: Client, path: string, method?: string): Promise<void> {
  let isAnswered = false;
  void client.send(path, method).then(() => isAnswered = true);
  await until(`an answer to ${path}`, () => isAnswered);
}

/** The error code with which browsers reset streams. */
const CANCEL = 8;

/** What speaks HTTP/2 only. */
export function speaksHttp2(app: AppName): boolean {
  return app.endsWith("Http2");
}

/** A client for an application. */
export function newClient(app: AppName, site: Site): Client {
  return speaksHttp2(app) ? new Http2Client(site.url()) : new Http1Client(site.url());
}

/** How many requests are ended so, one after the other or on one connection: as many as there are slots. */
export const SLOTS = 3;

/** A way in which requests end. */
export interface Ending {
  /** What happens, as the end of a sentence: "gives the permit back when ...". */
  readonly when: string;
  /** Brings it about once for each slot. */
  readonly bring: (app: AppName, site: Site, store: HeldStore) => Promise<void>;
  /** How many requests are let in at least. @default SLOTS */
  readonly letIn?: (app: AppName) => number;
  /** Where it cannot happen, and why. */
  readonly impossible?: (app: AppName) => string | undefined;
}

/** Asks for a page as often as there are slots, on a connection each, and waits for answers. */
function asked(path: string, method = "GET") {
  return async (app: AppName, site: Site): Promise<void> => {
    for (let i = 0; i < SLOTS; i++) {
      const client = newClient(app, site);
      await answered(client, path, method);
      client.leave();
    }
  };
}

/** Gives a request up once it is inside. */
function givenUp(path: string, giveUp: "giveUp" | "leave", isAnswered: boolean) {
  return async (app: AppName, site: Site): Promise<void> => {
    const clients = Array.from({ length: SLOTS }, () => newClient(app, site));
    const answers = clients.map((client) => client.send(path));
    await until("all are inside", () => site.inside === SLOTS);
    if (isAnswered) await Promise.all(answers);
    for (const client of clients) client[giveUp]();
    await until("all slots are free", () => site.inside === 0);
    site.gate.open();
    for (const client of clients) client.leave();
  };
}

/** Gives a request up while the store is asked about it. */
function undecided(giveUp: "giveUp" | "leave") {
  return async (app: AppName, site: Site, store: HeldStore): Promise<void> => {
    store.hold();
    const clients = Array.from({ length: SLOTS }, () => newClient(app, site));
    for (const client of clients) void client.send("/");
    await until("the store is asked", () => store.waiting === SLOTS);
    for (const client of clients) client[giveUp]();
    await new Promise((resolve) => setTimeout(resolve, 50)); // for the server to see it
    store.letGo();
    await until("they were let in", () => site.rs.metrics("api").totalAcquisitions === SLOTS);
    for (const client of clients) client.leave();
  };
}

/** Sends requests on one connection without waiting for answers, and closes it. */
function pipelined(paths: readonly string[], inside: number) {
  return async (app: AppName, site: Site): Promise<void> => {
    const client = newClient(app, site);
    for (const path of paths) void client.send(path);
    await until("they are inside", () => site.inside >= Math.min(inside, pipelinedAtOnce(app)));
    client.leave();
    await until("all slots are free", () => site.inside === 0);
    site.gate.open();
  };
}

/** What runs on the own server of the runtime, where it has one. */
const OWN_SERVERS: readonly AppName[] = ["fetch", "hono", "elysia"];

/** How many pipelined requests are under way at once: Deno.serve begins with one when it has answered the one before. */
const pipelinedAtOnce = (app: AppName) => "Deno" in globalThis && OWN_SERVERS.includes(app) ? 1 : SLOTS;

const notHttp1 = (app: AppName) => speaksHttp2(app) ? "streams of HTTP/2 do not wait for one another" : undefined;
const noPipelines = (app: AppName) =>
  notHttp1(app) ??
    ("Bun" in globalThis && OWN_SERVERS.includes(app) ? "Bun.serve closes a connection that pipelines" : undefined);

const direct = (app: AppName) =>
  ["node", "middleware", "express", "express4", "nodeHttp2"].includes(app)
    ? "what a handler writes goes out: no layer around it can take it back"
    : undefined;

/** All of them. */
export const ENDINGS: readonly Ending[] = [
  { when: "it is answered", bring: asked("/") },
  {
    when: "it asks for the headers only",
    bring: asked("/", "HEAD"),
    impossible: (app) => app === "koa2Http2" ? "Koa 2 never answers HEAD over HTTP/2" : undefined,
  },
  { when: "the answer has no content", bring: asked("/empty") },
  { when: "the answer is that nothing has changed", bring: asked("/same") },
  { when: "it is sent elsewhere", bring: asked("/redirect") },
  { when: "there is no such page", bring: asked("/nowhere") },
  { when: "the application refuses it", bring: asked("/fails") },
  { when: "a layer below the guard refuses it", bring: asked("/refused") },
  { when: "the handler throws", bring: asked("/throws") },
  {
    when: "the client asks to upgrade the connection",
    bring: asked("/socket"),
    impossible: (app) => speaksHttp2(app) ? "HTTP/2 has no upgrades" : undefined,
  },
  { when: "a layer around the guard replaces the answer", bring: asked("/replaced"), impossible: direct },
  { when: "a layer around the guard fails after the answer", bring: asked("/fails-after"), impossible: direct },
  {
    when: "a layer around the guard replaces a stream",
    bring: asked("/replaced-stream"),
    impossible: (app) => app === "elysia" ? undefined : "only Elysia has streams that are no Response",
  },
  {
    when: "a stream has been sent to its end",
    async bring(app, site) {
      const clients = Array.from({ length: SLOTS }, () => newClient(app, site));
      for (const client of clients) await answered(client, "/stream");
      site.gate.open();
      await until("all slots are free", () => site.inside === 0);
      for (const client of clients) client.leave();
    },
  },
  { when: "the client gives up before the decision", bring: undecided("giveUp") },
  { when: "the client gives up while the handler runs", bring: givenUp("/hang", "giveUp", false) },
  { when: "the client gives up in the middle of a stream", bring: givenUp("/stream", "giveUp", true) },
  {
    when: "the client closes a connection of HTTP/2 before the decision",
    bring: undecided("leave"),
    impossible: (app) => speaksHttp2(app) ? undefined : "with HTTP/1.1, that is how a client gives up",
  },
  {
    when: "the client closes a connection of HTTP/2 while the handler runs",
    bring: givenUp("/hang", "leave", false),
    impossible: (app) => speaksHttp2(app) ? undefined : "with HTTP/1.1, that is how a client gives up",
  },
  {
    when: "the client closes a connection of HTTP/2 in the middle of a stream",
    bring: givenUp("/stream", "leave", true),
    impossible: (app) => speaksHttp2(app) ? undefined : "with HTTP/1.1, that is how a client gives up",
  },
  {
    when: "the client pipelines requests and closes the connection while the handlers run",
    bring: pipelined(["/hang", "/hang", "/hang"], SLOTS),
    letIn: pipelinedAtOnce,
    impossible: noPipelines,
  },
  {
    when: "the client pipelines requests and closes the connection while the first answer is sent",
    bring: pipelined(["/stream", "/", "/"], 1),
    letIn: pipelinedAtOnce,
    impossible: noPipelines,
  },
];
