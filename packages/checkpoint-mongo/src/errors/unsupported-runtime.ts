import { ThreadkeepError } from "./threadkeep-error.ts";

/**
 * The error for a runtime that lacks something this package needs.
 *
 * @param fault what it does wrong, if it is not only too old; follows the name of the runtime
 */
export function unsupportedRuntime(fault?: string): ThreadkeepError {
  const what = fault === undefined ? "" : `, which ${fault}`;
  const { bun, deno } = process.versions;
  const needed = "@threadkeep/checkpoint-mongo needs Node.js 22.15 or later (of 23, 23.8 or later)";
  if (bun === undefined && deno === undefined) {
    return new ThreadkeepError(
      "UNSUPPORTED_NODE",
      `${needed}; this is ${process.version}${what}. ` +
        "Install a current Node.js from https://nodejs.org.",
    );
  }
  const name = bun === undefined ? `Deno ${deno}` : `Bun ${bun}`;
  return new ThreadkeepError(
    "UNSUPPORTED_RUNTIME",
    `${needed}, or a runtime that does the same; this is ${name}${what}. Nothing was read or ` +
      "written. Install a current version of it, or use Node.js.",
  );
}
