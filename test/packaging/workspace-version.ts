import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { PUBLISHED, workspace } from "./pack-workspace.ts";

/** The version of a package that this workspace is tested with. */
export async function findWorkspaceVersion(name: string): Promise<string> {
  const manifest = ["test", ...PUBLISHED.map((folder) => `packages/${folder}`)]
    .map((folder) => join(workspace, folder, "node_modules", name, "package.json"))
    .find((path) => existsSync(path));
  if (manifest === undefined) throw new Error(`This workspace does not depend on ${name}.`);
  return (JSON.parse(await readFile(manifest, "utf8")) as { version: string }).version;
}
