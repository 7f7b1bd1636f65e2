import { execFile, type ExecFileException } from "node:child_process";
import { mkdir, mkdtemp, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const STEP_LIMIT_MS = 10 * 60_000;
const SHOWN_OUTPUT_LENGTH = 600;
const CACHE = fileURLToPath(new URL("../../../../node_modules/.cache/threadkeep", import.meta.url));

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/**
 * The directory `name` in the workspace's cache, made by `build` unless it is there already. Whoever
 * builds it does so under another name first: a broken installation never has the final one.
 */
export async function installOnce(
  name: string,
  build: (directory: string) => Promise<void>,
): Promise<string> {
  const target = join(CACHE, name);
  if (await exists(target)) return target;
  await mkdir(CACHE, { recursive: true });
  const temporary = await mkdtemp(`${target}.tmp-`);
  try {
    console.error(`Installing ${name} into node_modules/.cache …`);
    await build(temporary);
    await rename(temporary, target).catch(async (error: unknown) => {
      if (!(await exists(target))) throw error;
    });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  return target;
}

/**
 * Runs one step of an installation.
 *
 * @throws Error with the end of its output if it fails
 */
export async function runStep(command: string, ...args: readonly string[]): Promise<void> {
  try {
    await promisify(execFile)(command, args, { timeout: STEP_LIMIT_MS });
  } catch (error) {
    const { code, message, stderr } = error as ExecFileException & { readonly stderr?: string };
    if (String(code) === "ENOENT") {
      throw new Error(`there is no ${command} on the PATH`, { cause: error });
    }
    const output = (stderr || message).trim().replaceAll(/\s+/g, " ");
    const end = output.slice(-SHOWN_OUTPUT_LENGTH);
    throw new Error(`${command} ${args.join(" ")} failed: ${end}`, { cause: error });
  }
}
