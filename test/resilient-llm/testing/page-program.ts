import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

/** From here a program's imports are resolved. */
const DIRECTORY = fileURLToPath(new URL("../..", import.meta.url));

/** The first program of a page. */
export async function readProgram(page: URL): Promise<string> {
  const [, program] = /```ts\n([\s\S]*?)```/.exec(await readFile(page, "utf8")) ?? [];
  if (program === undefined) throw new Error(`${page.href} has no program.`);
  return program;
}

/**
 * Runs a page's program as it stands, in a process that has these variables and no others.
 *
 * @returns what it wrote to standard output and to standard error
 */
export async function runProgram(
  program: string,
  env: Readonly<Record<string, string>>,
): Promise<{ readonly output: string; readonly errors: string }> {
  const node = spawn(
    process.execPath,
    ["--conditions=@threadkeep/source", "--input-type=module-typescript", "-"],
    { cwd: DIRECTORY, env: { PATH: process.env["PATH"], ...env } },
  );
  node.stdin.end(program);
  const [output, errors] = await Promise.all([text(node.stdout), text(node.stderr)]);
  return { output, errors };
}
