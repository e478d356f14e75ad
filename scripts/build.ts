/**
 * Makes of what is compiled in dist/ what npm publishes: `npm run build`.
 *
 * @module
 */

import { writeBundle } from "./package/bundle.ts";
import { writeDeclarations } from "./package/declarations.ts";
import { readManifests } from "./package/manifests.ts";

const { npm } = await readManifests();
await writeBundle(npm);
await writeDeclarations(npm.exports);
