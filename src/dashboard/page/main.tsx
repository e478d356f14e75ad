/**
 * The page of the dashboard. It is bundled into `../page.gen.ts`: `npm run embed`.
 *
 * @module
 */

import { render } from "preact";

import { App } from "./app.tsx";
import { connect } from "./state.ts";

const root = document.querySelector("#root") as HTMLElement;
root.replaceChildren();
connect((state) => render(<App {...state} />, root));
