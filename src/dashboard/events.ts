/**
 * The stream of events of one open page: server-sent events.
 *
 * @module
 */

import type { Feed } from "./feed.ts";

/** How long the page waits before it connects again, in milliseconds. */
const RETRY_MS = 1_000;

/** How many events may wait for a page that does not read. Views that come then are left out: the next one says more. */
const MOST_WAITING = 8;

/**
 * The events of a page: `config`, `points` with the last minutes, and `view` about twice a second.
 *
 * @param feed Where they come from.
 * @param streams Gets a function that ends the stream, for as long as it is open.
 */
export function eventStream(feed: Feed, streams: Set<() => void>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let end = () => {};
  return new ReadableStream<Uint8Array>({
    start(controller) {
      const send = (event: string, data: unknown) => {
        if ((controller.desiredSize ?? 0) <= -MOST_WAITING && event === "view") return;
        controller.enqueue(encoder.encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`));
      };
      controller.enqueue(encoder.encode(`retry: ${RETRY_MS}\n\n`));
      send("points", feed.points);
      const leave = feed.join({ config: (config) => send("config", config), view: (view) => send("view", view) });
      const close = () => {
        end();
        controller.close();
      };
      streams.add(close);
      end = () => {
        streams.delete(close);
        leave();
      };
    },
    cancel: () => end(),
  });
}
