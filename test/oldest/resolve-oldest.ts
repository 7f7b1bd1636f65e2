import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const MANIFEST = fileURLToPath(new URL("package.json", import.meta.url));

/** The versions that stand in `package.json` beside this file, by package. */
export const OLDEST = (
  JSON.parse(readFileSync(MANIFEST, "utf8")) as { dependencies: Readonly<Record<string, string>> }
).dependencies;

/** The part of a Vite plugin that is needed here. */
interface ResolvingPlugin {
  readonly name: string;
  readonly enforce: "pre";
  readonly resolveId: (
    this: { resolve(source: string, importer: string): Promise<unknown> },
    source: string,
    importer: string | undefined,
  ) => Promise<unknown> | undefined;
}

/**
 * A Vite plugin: whatever imports one of the {@link OLDEST} packages, or a path in one, gets that of
 * this folder. Among themselves the packages find each other as in any installation.
 */
export function resolveOldest(): ResolvingPlugin {
  return {
    name: "resolve-oldest",
    enforce: "pre",
    resolveId(source, importer) {
      if (importer === MANIFEST || !isOfOldest(source)) return undefined;
      return this.resolve(source, MANIFEST);
    },
  };
}

function isOfOldest(source: string): boolean {
  return Object.keys(OLDEST).some((name) => source === name || source.startsWith(`${name}/`));
}
