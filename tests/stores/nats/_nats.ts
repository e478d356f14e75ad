/**
 * Streams and servers of the tests of NATS.
 *
 * @module
 */

import process from "node:process";

import { type NatsServer, type NatsServerOptions, startNats } from "../../../scripts/nats/server.ts";
import type { LogMessage } from "../../../src/stores/log/stream.ts";
import { ownSource } from "../../../src/stores/nats/connection/source.ts";
import { NatsStream } from "../../../src/stores/nats/nats_stream.ts";
import type { NatsStoreOptions } from "../../../src/stores/nats/options.ts";
import { readNatsPlace, readNatsSettings } from "../../../src/stores/nats/settings/settings.ts";

/** A server that tests need not configure: that of RATESYNC_TEST_NATS_URL, or one of their own. */
export async function anyNats(options: NatsServerOptions = {}): Promise<Pick<NatsServer, "url"> & AsyncDisposable> {
  const url = process.env["RATESYNC_TEST_NATS_URL"];
  return url ? { url, [Symbol.asyncDispose]: async () => {} } : await startNats(options);
}

/** A prefix of streams that no other test, process or run uses. */
export function freshStreamPrefix(): string {
  return `test-${crypto.randomUUID()}`;
}

/** A stream with options as users give them. */
export function streamWith(options: NatsStoreOptions): NatsStream {
  const settings = readNatsSettings(options);
  return new NatsStream(ownSource(readNatsPlace(options), settings.socketConnectTimeoutMs), settings, () => {});
}

/** Everything that a reading tells. */
export interface Heard {
  /** The messages so far. */
  readonly messages: LogMessage[];
  /** Why it has ended, if it has. */
  readonly ended: Promise<Error>;
  /** Ends it. */
  close(): void;
}

/** Reads a shard from a sequence on. */
export async function hear(stream: NatsStream, from = 1): Promise<Heard> {
  const messages: LogMessage[] = [];
  let onEnd: (error: Error) => void = () => {};
  const ended = new Promise<Error>((resolve) => onEnd = resolve);
  const reader = await stream.read("main", from, (message) => messages.push(message), (error) => onEnd(error));
  return { messages, ended, close: () => void reader.close() };
}

/** The bytes of a text. */
export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** The text of bytes. */
export const text = (data: Uint8Array): string => new TextDecoder().decode(data);

/** Chunks from texts. */
export async function* chunksOf(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const one of texts) yield bytes(one);
}

/** All chunks of a snapshot as one text. */
export async function joined(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  let all = "";
  for await (const chunk of chunks) all += text(chunk);
  return all;
}
