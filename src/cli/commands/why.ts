/**
 * `ratesync why`
 *
 * @module
 */

import { type Command, defineCommand } from "../command.ts";
import { EXIT } from "../exit.ts";

/** Explains what a call would meet now. */
export const command: Command = defineCommand({
  about:
    "It asks the store, takes and writes nothing, and says what stands in each limit of the limiter, when 1, 10 and " +
    "all units are free, what denies a call now and until when, and what would change that.",
  arguments: {
    limiter: { kind: "text", completes: "limiter", about: "The limiter" },
    key: { kind: "text", optional: true, about: "The key; left out or empty, the limiter as a whole" },
  },
  options: {
    cost: { kind: "count", value: "N", min: 1, about: "The units that the call takes; 1 if left out" },
  },
  exits: {
    0: "a call is allowed now",
    1: "a call is denied now",
  },
  examples: [
    ["ratesync why api user:42", "explains why user:42 is denied, and until when"],
    ["ratesync why api user:42 --cost 10 --json", "the same for a call of 10 units, as data"],
  ],
  async run(context, { limiter, key, cost }) {
    const rs = await context.open();
    const explanation = await rs.explain(limiter, {
      ...(key === undefined || key === "" ? {} : { key }),
      ...(cost === undefined ? {} : { cost }),
    });
    const { allowed } = explanation;
    const [first = "", ...rest] = `${explanation}`.split("\n");
    const word = allowed ? "Allowed" : "Denied";
    return {
      json: explanation,
      text: [context.paint(allowed ? "green" : "red", word) + first.slice(word.length), ...rest].join("\n"),
      exit: allowed ? EXIT.done : EXIT.no,
    };
  },
});
