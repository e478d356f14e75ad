/**
 * Blocks, unblocks and resets a key, each after a question.
 *
 * @module
 */

import type { VNode } from "preact";
import { useRef, useState } from "preact/hooks";

import type { Asked } from "./explain.tsx";
import { post } from "./state.ts";

type Action = "block" | "unblock" | "reset";

const QUESTIONS: Readonly<Record<Action, string>> = {
  block: "Deny every call for this key?",
  unblock: "End the block of this key?",
  reset: "Make all limits of this key whole, release its permits, and end its block?",
};

/** Buttons that change a key. */
export function Changes({ about, changed }: { readonly about: Asked; readonly changed: () => void }): VNode {
  const [action, setAction] = useState<Action>("block");
  const [minutes, setMinutes] = useState("10");
  const [result, setResult] = useState("");
  const dialog = useRef<HTMLDialogElement>(null);
  const question = (next: Action) => () => {
    setAction(next);
    dialog.current?.showModal();
  };
  const confirm = async () => {
    dialog.current?.close();
    const { limiter, key } = about;
    const answer = await post<{ readonly done: string }>("change", {
      action,
      limiter,
      ...(key === "" ? {} : { key }),
      ...(action === "block" ? { durationMs: Number(minutes) * 60_000 } : {}),
    });
    setResult("problem" in answer ? answer.problem : `Done: ${answer.done}.`);
    changed();
  };
  return (
    <>
      <div class="actions">
        <label>
          Minutes
          <input
            type="number"
            min="1"
            value={minutes}
            onInput={({ currentTarget }) => setMinutes(currentTarget.value)}
          />
        </label>
        <button type="button" onClick={question("block")}>Block…</button>
        <button type="button" onClick={question("unblock")}>Unblock…</button>
        <button type="button" onClick={question("reset")}>Reset…</button>
        <span role="status">{result}</span>
      </div>
      <dialog ref={dialog} aria-labelledby="question">
        <h2 id="question">{QUESTIONS[action]}</h2>
        <p>
          Limiter <span class="key">{about.limiter}</span>
        </p>
        <p>
          Key <span class="key">{about.key === "" ? "(the limiter as a whole)" : about.key}</span>
        </p>
        {action === "block" && <p>For {minutes} minutes</p>}
        <div class="actions">
          <button type="button" onClick={confirm}>Yes, {action}</button>
          <button type="button" onClick={() => dialog.current?.close()}>Cancel</button>
        </div>
      </dialog>
    </>
  );
}
