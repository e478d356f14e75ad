/**
 * Writes `docs/reference/` from the doc comments of the exports: `npm run reference`.
 *
 * @module
 */

import { writeReference } from "./docs/reference/reference.ts";
import { readManifests } from "./package/manifests.ts";

await writeReference((await readManifests()).deno);
