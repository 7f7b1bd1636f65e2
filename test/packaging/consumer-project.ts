import { cp, mkdir, readdir, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { COMPILERS } from "./compilers.ts";
import { InstalledProject } from "./installed-project.ts";
import type { Published } from "./pack-workspace.ts";
import { findWorkspaceVersion } from "./workspace-version.ts";

/** In the versions that the workspace is tested with. */
const SHARED = [
  "@langchain/core",
  "@langchain/langgraph",
  "@langchain/langgraph-checkpoint",
  "@langchain/langgraph-checkpoint-mongodb",
  "langchain",
  "mongodb",
];

/** What only users have. The scheduled workflow takes the newest of these. */
const OTHERS = {
  "@langchain/langgraph-api": "1.5.1",
  "@types/node": "24.19.2",
  deepagents: "1.14.1",
  mongoose: "9.12.1",
};

/** Beside the others, under a name of their own. */
const ALIASES = {
  "mongodb-other": "mongodb@6.20.0",
  "mongoose-8": "mongoose@8.24.10",
  ...COMPILERS,
};

const TAKES_NEWEST = process.env["THREADKEEP_NEWEST_CONSUMERS"] === "1";

/**
 * Installs our tarballs beside LangGraph and whatever else is used with it.
 *
 * @param directory will be made
 */
export async function installConsumer(
  directory: string,
  tarballs: Record<Published, string>,
): Promise<InstalledProject> {
  return InstalledProject.install(directory, "npm", [
    ...(await Promise.all(
      SHARED.map(async (name) => `${name}@${await findWorkspaceVersion(name)}`),
    )),
    ...Object.entries(OTHERS).map(
      ([name, version]) => `${name}@${TAKES_NEWEST ? "latest" : version}`,
    ),
    ...Object.entries(ALIASES).map(([alias, target]) => `${alias}@npm:${target}`),
    ...Object.values(tarballs),
  ]);
}

/**
 * A project with the same packages but the oldest driver that we support, and the mongoose that
 * goes with it. It is theirs, not ours, that is shared with the other project.
 *
 * @param directory will be made
 */
export async function replaceDriver(
  project: InstalledProject,
  directory: string,
): Promise<InstalledProject> {
  const modules = join(project.directory, "node_modules");
  const replaced: Readonly<Record<string, string>> = {
    mongodb: "mongodb-other",
    "mongodb-other": "mongodb",
    mongoose: "mongoose-8",
  };
  for (const entry of await readdir(modules)) {
    if (entry.startsWith(".") || entry === "@threadkeep") continue;
    await link(join(modules, replaced[entry] ?? entry), join(directory, "node_modules", entry));
  }
  // Copied: what it imports has to be found here.
  const ours = "node_modules/@threadkeep";
  await cp(join(project.directory, ours), join(directory, ours), { recursive: true });
  return new InstalledProject(directory);
}

async function link(target: string, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await symlink(target, path, "junction");
}
