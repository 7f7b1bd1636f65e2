import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ServerProgram } from "./run-supervised.ts";

/** What the search for a server depends on, passed in so that a test can take any of it away. */
export interface Environment {
  /** The environment variables: `MONGODB_URI`, `PATH`, `MONGOMS_*`, `THREADKEEP_MONGODB`. */
  readonly variables: NodeJS.ProcessEnv;
  /** Where programs and remembered failures are kept between runs. */
  readonly cacheDirectory: string;
  /** Takes one line for people to read. */
  readonly log: (line: string) => void;
}

/** This process's variables and the workspace's own cache; logs to standard error by default. */
export function currentEnvironment(log: (line: string) => void = console.error): Environment {
  const cache = new URL("../../../node_modules/.cache/threadkeep", import.meta.url);
  return { variables: process.env, cacheDirectory: fileURLToPath(cache), log };
}

/**
 * What looking for a server in one place came to. A server that is absent is nothing special. What
 * should have worked and did not is thrown instead, and gets a line in the log.
 */
export type Finding =
  | { readonly program: ServerProgram; readonly absent?: never }
  | { readonly program?: never; readonly absent: string };

/** The first executable called `name` in the directories of `PATH`. */
export async function findOnPath(
  name: string,
  variables: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  const fileName = process.platform === "win32" ? `${name}.exe` : name;
  for (const directory of (variables["PATH"] ?? "").split(delimiter)) {
    if (directory === "") continue;
    const candidate = join(directory, fileName);
    if (await isExecutable(candidate)) return candidate;
  }
  return undefined;
}

/** Whether this process may run the file at `path`. */
export async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
