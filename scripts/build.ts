/**
 * Makes of what is compiled in dist/ what npm publishes: `npm run build`.
 *
 * @module
 */

import { writeBundle } from "./package/bundle.ts";
import { readManifests } from "./package/manifests.ts";

await writeBundle((await readManifests()).npm.exports);
