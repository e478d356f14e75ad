/**
 * A stream of NATS in virtual time: the server's time stamps are replaced by the time of a test's clock, the same for each
 * reader of this process. Order, delivery and all else are the server's.
 *
 * @module
 */

import type { Clock } from "../../../src/base/clock.ts";
import { LogStore, type LogStoreSettings } from "../../../src/stores/log/log_store.ts";
import type { LogStream } from "../../../src/stores/log/stream.ts";
import type { NatsStoreOptions } from "../../../src/stores/nats/options.ts";
import { streamWith } from "./_nats.ts";

/** The time stamps of the messages of a stream: those of a clock when its first reader got them. */
export class Stamps {
  readonly #clock: Pick<Clock, "nowUs">;
  readonly #stamps = new Map<string, number>();

  constructor(clock: Pick<Clock, "nowUs">) {
    this.#clock = clock;
  }

  /** The stamp of a message. */
  of(shard: string, sequence: number): number {
    const place = `${shard} ${sequence}`;
    const stampUs = this.#stamps.get(place) ?? this.#clock.nowUs();
    this.#stamps.set(place, stampUs);
    return stampUs;
  }
}

/** A store in virtual time. */
export function virtualStore(options: NatsStoreOptions, stamps: Stamps, settings: LogStoreSettings = {}): LogStore {
  const stream = streamWith(options);
  const read: LogStream["read"] = (shard, from, onMessage, onEnd) =>
    stream.read(
      shard,
      from,
      ({ sequence, data }) => onMessage({ sequence, data, stampUs: stamps.of(shard, sequence) }),
      onEnd,
    );
  return new LogStore(
    new Proxy(stream, { get: (target, name) => name === "read" ? read : memberOf(target, name) }),
    settings,
  );
}

function memberOf(target: object, name: string | symbol): unknown {
  const member: unknown = Reflect.get(target, name, target);
  return typeof member === "function" ? member.bind(target) : member;
}
