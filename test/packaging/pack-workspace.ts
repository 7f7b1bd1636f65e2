import { cp, mkdir, readdir, symlink } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { PNPM } from "../../scripts/bootstrap.mjs";
import { runProgram } from "./run-program.ts";

/** The root of this workspace. */
export const workspace = fileURLToPath(new URL("../..", import.meta.url));

/** The packages that are published: their folders in `packages`. */
export const PUBLISHED = ["checkpoint-mongo", "resilient-llm"] as const;

/** One of the packages that are published. */
export type Published = (typeof PUBLISHED)[number];

/**
 * Makes the tarballs that `pnpm publish` would send, by the folder of their package.
 *
 * They are built and packed in a copy of the workspace: what lies in a `dist` of the checkout cannot
 * get in, and several runs do not get into each other's way.
 *
 * @param directory an empty directory
 */
export async function packWorkspace(directory: string): Promise<Record<Published, string>> {
  const copy = join(directory, "workspace");
  const tarballs = join(directory, "tarballs");
  await mkdir(copy, { recursive: true });
  await link("node_modules");
  await link("scripts");
  for (const file of ["package.json", "pnpm-workspace.yaml", "tsconfig.base.json", "LICENSE"]) {
    await cp(join(workspace, file), join(copy, file));
  }
  for (const name of PUBLISHED) {
    const folder = join("packages", name);
    await cp(join(workspace, folder), join(copy, folder), {
      recursive: true,
      filter: (source) => !["node_modules", "dist"].includes(basename(source)),
    });
    await link(join(folder, "node_modules"));
  }
  const { code, output } = await runProgram(
    "npx",
    ["--yes", PNPM, "--filter=./packages/*", "pack", "--pack-destination", tarballs],
    copy,
  );
  if (code !== 0) throw new Error(`The packages cannot be packed:\n${output}`);
  const files = await readdir(tarballs);
  return Object.fromEntries(
    PUBLISHED.map((name) => [
      name,
      join(tarballs, files.find((file) => file.startsWith(`threadkeep-${name}-`)) ?? "missing"),
    ]),
  ) as Record<Published, string>;

  async function link(path: string): Promise<void> {
    await symlink(join(workspace, path), join(copy, path), "junction");
  }
}
