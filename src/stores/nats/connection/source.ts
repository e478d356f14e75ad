/**
 * Where a store's connection comes from: it is opened by the store, or the application has made it.
 *
 * @module
 */

import { StoreError } from "../../../base/errors.ts";
import type { NatsPlace } from "../settings/settings.ts";
import type { NatsClient } from "./client.ts";
import type { NatsSource } from "./link.ts";
import { hold, openNats } from "./open.ts";

/** Connections that the store opens. */
export function ownSource(place: NatsPlace, timeoutMs: number): NatsSource {
  let last: string | undefined;
  return {
    label: place.label,
    tls: place.tls,
    isOwn: true,
    async open(others) {
      const { client, server } = await openNats(place, { timeoutMs, others, last });
      last = server;
      return client;
    },
    hold,
  };
}

/** The connection that the application has made, and that it closes. */
export function givenSource(client: NatsClient): NatsSource {
  return {
    label: "the given connection",
    isOwn: false,
    open() {
      if (!client.isClosed()) return Promise.resolve(client);
      const message = "Cannot use NATS: the connection that was given as client is closed";
      return Promise.reject(new StoreError("STORE_UNAVAILABLE", message, { reason: "disconnected" }));
    },
    hold: () => {},
  };
}
