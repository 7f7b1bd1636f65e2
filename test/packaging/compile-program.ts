import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runProgram } from "./run-program.ts";

/** How a program is compiled, beside being held to the strictest rules. */
export interface Compilation {
  /** The compiler's package. */
  readonly compiler: string;
  /** Leaves unchecked what is in packages. */
  readonly skipLibCheck: boolean;
  readonly exactOptionalPropertyTypes: boolean;
  readonly noEmit?: boolean;
}

/**
 * Compiles sources into the folder `out` beside them, as a program for Node.js.
 *
 * @returns the compiler's complaints, about others' declarations too
 */
export async function compileProgram(
  directory: string,
  files: readonly string[],
  { compiler, ...options }: Compilation,
): Promise<string[]> {
  // A file of its own for each program: two of one project may be compiled at once.
  const settings = `tsconfig.${files[0]}.json`;
  await writeFile(
    join(directory, settings),
    JSON.stringify({
      compilerOptions: {
        strict: true,
        noUncheckedIndexedAccess: true,
        module: "nodenext",
        target: "es2023",
        types: ["node"],
        noEmitOnError: false,
        outDir: "out",
        ...options,
      },
      files,
    }),
  );
  const { output } = await runProgram(
    process.execPath,
    [join(compiler, "bin/tsc"), "--project", settings, "--pretty", "false"],
    directory,
  );
  // Explanations are indented.
  return output.split("\n").filter((line) => line !== "" && !/^\s/.test(line));
}
