/**
 * A wide table on a narrow screen.
 *
 * @module
 */

import type { ComponentChildren, VNode } from "preact";

/** Lets a table scroll sideways, also by the keyboard. */
export function Scroll({ label, children }: { readonly label: string; readonly children: ComponentChildren }): VNode {
  return <div class="scroll" role="region" aria-label={label} tabIndex={0}>{children}</div>;
}
