import { execFile } from "node:child_process";

/** How a program ended. */
export interface ProgramResult {
  readonly code: number;
  /** What it wrote to standard output; if it failed, what it wrote to standard error as well. */
  readonly output: string;
}

/** Runs a program to its end, however it ends. */
export function runProgram(
  command: string,
  args: readonly string[],
  directory: string,
): Promise<ProgramResult> {
  return new Promise((resolve) => {
    // On Windows, npm and npx are scripts that only a shell can run.
    const shell = process.platform === "win32" && ["npm", "npx"].includes(command);
    const options = { cwd: directory, shell };
    execFile(command, args, options, (error, stdout, stderr) => {
      if (error === null) resolve({ code: 0, output: stdout });
      else resolve({ code: Number(error.code), output: `${stdout}${stderr}` });
    });
  });
}
