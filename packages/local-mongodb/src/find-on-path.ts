import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { delimiter, join } from "node:path";

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
