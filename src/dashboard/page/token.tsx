/**
 * Asks for the token.
 *
 * @module
 */

import type { VNode } from "preact";
import { useState } from "preact/hooks";

import { unlock } from "./state.ts";

/** A form for the token. */
export function Token(): VNode {
  const [problem, setProblem] = useState<string>();
  const send = async (event: SubmitEvent) => {
    event.preventDefault();
    const token = String(new FormData(event.target as HTMLFormElement).get("token"));
    setProblem(await unlock(token));
  };
  return (
    <section>
      <form onSubmit={send}>
        <label class="wide">
          Token<input name="token" type="password" required autocomplete="off" />
        </label>
        <button type="submit">Show the dashboard</button>
      </form>
      <p role="alert" class="bad">{problem}</p>
    </section>
  );
}
