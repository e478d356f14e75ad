/**
 * The page of metrics, from their table.
 *
 * @module
 */

import {
  ALL,
  type AttributeName,
  ATTRIBUTES,
  type Instrument,
  prometheusName,
} from "../../../src/telemetry/instruments.ts";
import { cell, table } from "./fields.ts";

/** What stands on the page below its heading. */
export function metricsText(): string {
  const rows = ALL.map(([, instrument]) => {
    const { name, description, attributes } = instrument;
    return [
      `\`${name}\``,
      `\`${prometheusName(instrument)}\``,
      instrument.kind === "updown" ? "gauge that adds up" : instrument.kind,
      unitOf(instrument),
      attributes.map((attribute) => `\`${attribute}\``).join(", "),
      cell(description),
    ];
  });
  const attributes = (Object.keys(ATTRIBUTES) as AttributeName[]).map((
    name,
  ) => [`\`${name}\``, cell(ATTRIBUTES[name])]);
  const buckets = ALL.flatMap(([, { name, buckets = [] }]) =>
    buckets.length === 0 ? [] : [[`\`${name}\``, buckets.join(", ")]]
  );
  return [
    "What `@ratesync/core/otel` and `@ratesync/core/prometheus` report. [Observability](../observability.md) tells how to " +
    "set them up, and what to watch. The table is that of `src/telemetry/instruments.ts`.",
    table(["OpenTelemetry", "Prometheus", "type", "unit", "attributes", "says"], rows),
    "Attributes are labels in Prometheus, under the same names. The key is none of them: it would make as many series as " +
    "there are clients. `heavyHitters()` tells which keys come most often.",
    table(["attribute", "says"], attributes),
    "A value falls into the first bucket whose bound is not below it:",
    table(["histogram", "bounds of its buckets"], buckets),
  ].join("\n\n");
}

/** The unit in words: `s` are seconds, `{request}` are requests. */
function unitOf({ unit }: Instrument): string {
  return unit === "s" ? "seconds" : unit.replace(/^\{(\w+)\}$/, "$1s");
}
