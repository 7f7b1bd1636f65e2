import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The root of the repository. */
export const root = fileURLToPath(new URL("..", import.meta.url));

/**
 * @typedef {object} EntryPoint
 * @property {string} folder The folder of its package, from the root.
 * @property {string} packageName
 * @property {string} specifier As programs import it.
 * @property {string} source Its file, from the folder of its package.
 */

/**
 * @typedef {object} Manifest
 * @property {string} name
 * @property {boolean} [private]
 * @property {Record<string, string | Record<string, unknown>>} exports
 */

/** @returns {EntryPoint[]} Everything that programs can import of the published packages, from their `exports`. */
export function listEntryPoints() {
  return readdirSync(join(root, "packages")).flatMap((name) => {
    const folder = join("packages", name);
    const manifest = /** @type {Manifest} */ (
      JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"))
    );
    if (manifest.private === true) return [];
    return Object.entries(manifest.exports).flatMap(([path, target]) => {
      // `./package.json` has no source.
      if (typeof target === "string") return [];
      const specifier = `${manifest.name}${path.slice(1)}`;
      const source = String(target["@threadkeep/source"]);
      return [{ folder, packageName: manifest.name, specifier, source }];
    });
  });
}
