/**
 * The version of this package.
 *
 * @module
 */

/** The version, as the manifests have it: the gate compares them. */
export const VERSION = "0.1.0";
