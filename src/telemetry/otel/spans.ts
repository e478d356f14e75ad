/**
 * Spans of calls that waited.
 *
 * @module
 */

import { type Context, context, SpanStatusCode, type TracerProvider } from "@opentelemetry/api";

import { systemClock, wallMs } from "../../base/clock.ts";
import type { Observer } from "../../observe/observer.ts";

/** An observer that makes a span of each wait, below the span that was active when the call was made. */
export function spansOf(
  provider: TracerProvider,
  attributes: Readonly<Record<string, string>>,
): Required<Pick<Observer, "begun" | "dequeued">> {
  const tracer = provider.getTracer("@ratesync/core");
  return {
    begun: () => context.active(),
    dequeued(limiter, outcome, waitedMs, begun) {
      const endTime = wallMs(systemClock);
      const span = tracer.startSpan("ratesync.wait", {
        startTime: endTime - waitedMs,
        attributes: { "ratesync.limiter": limiter, "ratesync.result": outcome, ...attributes },
      }, begun as Context);
      if (outcome === "failed") span.setStatus({ code: SpanStatusCode.ERROR });
      span.end(endTime);
    },
  };
}
