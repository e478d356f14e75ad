/**
 * Explains a key, and changes it where that is allowed.
 *
 * @module
 */

import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

import type { ConfigView } from "../view.ts";
import { Changes } from "./changes.tsx";
import { post } from "./state.ts";

/** A limiter and a key. */
export interface Asked {
  readonly limiter: string;
  readonly key: string;
}

/** A form that explains a key. `asked` is a key that was chosen elsewhere. */
export function Explain(
  { config, asked }: { readonly config: ConfigView; readonly asked: Asked | undefined },
): VNode {
  const [limiter, setLimiter] = useState(config.limiters[0]?.id ?? "");
  const [key, setKey] = useState("");
  const [cost, setCost] = useState("1");
  const [answer, setAnswer] = useState<{ readonly about: Asked; readonly text: string; readonly isBad: boolean }>();
  const heading = useRef<HTMLHeadingElement>(null);

  const explain = async (about: Asked, cost: number) => {
    const body = { limiter: about.limiter, cost, ...(about.key === "" ? {} : { key: about.key }) };
    const result = await post<{ readonly text: string }>("explain", body);
    const isBad = "problem" in result;
    setAnswer({ about, text: isBad ? result.problem : result.text, isBad });
  };
  useEffect(() => {
    if (asked === undefined) return;
    setLimiter(asked.limiter);
    setKey(asked.key);
    setCost("1");
    heading.current?.focus();
    heading.current?.scrollIntoView({ block: "start" });
    void explain(asked, 1);
  }, [asked]);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    void explain({ limiter, key }, Number(cost));
  };
  return (
    <section aria-labelledby="explain">
      <h2 id="explain" ref={heading} tabIndex={-1}>Explain a key</h2>
      <form onSubmit={submit}>
        <label>
          Limiter
          <select value={limiter} onChange={({ currentTarget }) => setLimiter(currentTarget.value)}>
            {config.limiters.map(({ id }) => <option key={id} value={id}>{id}</option>)}
          </select>
        </label>
        <label class="wide">
          Key (empty for the limiter as a whole)
          <input
            value={key}
            autocomplete="off"
            spellcheck={false}
            onInput={({ currentTarget }) => setKey(currentTarget.value)}
          />
        </label>
        <label>
          Cost
          <input
            type="number"
            min="1"
            step="1"
            required
            value={cost}
            onInput={({ currentTarget }) => setCost(currentTarget.value)}
          />
        </label>
        <button type="submit">Explain</button>
      </form>
      <div aria-live="polite">
        {answer && <pre class={answer.isBad ? "bad" : undefined}>{answer.text}</pre>}
      </div>
      {answer && !answer.isBad && config.allowChanges && (
        <Changes
          about={answer.about}
          changed={() => void explain(answer.about, Number(cost) || 1)}
        />
      )}
    </section>
  );
}
