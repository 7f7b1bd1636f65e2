import type { Manifest } from "../user-project.ts";

/** The file name, without its suffix, of the program that imports all entry points. */
export const ENTRY_POINTS_PROGRAM = "entry-points";

/** The entry points of a package, as programs name them; from its own `exports`. */
export function listEntryPoints({ name, exports }: Pick<Manifest, "name" | "exports">): string[] {
  return Object.keys(exports)
    .filter((path) => path !== "./package.json")
    .map((path) => name + path.slice(1));
}

/** A program that imports them all and prints those that export nothing. */
export function writeEntryPointsProgram(entryPoints: readonly string[]): string {
  return [
    ...entryPoints.map((name, index) => `import * as entry${index} from "${name}";`),
    `const entries: Record<string, object> = {`,
    ...entryPoints.map((name, index) => `  "${name}": entry${index},`),
    `};`,
    `const isEmpty = (name: string) => Object.keys(entries[name]!).length === 0;`,
    `console.log(JSON.stringify(Object.keys(entries).filter(isEmpty)));`,
    ``,
  ].join("\n");
}
